/** Runs the exact configurations of docs/deploying.md, only with free ports. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Child } from '../support/children.js'
import { hasProgram, run } from '../support/programs.js'
import { freePlace, hasHaproxy, hasNginx, startHaproxy, startNginx, type Place } from '../support/proxies.js'
import { makeTestFolder } from '../support/test-folder.js'

const ROOT = join(import.meta.dirname, '../..')
const EXAMPLE = join(ROOT, 'examples/behind-a-proxy')
const document = readFileSync(join(ROOT, 'docs/deploying.md'), 'utf8')

/** The block of the document that is `file`, which it shows whole. */
function pasted (t: Test, file: string): string {
  const content = readFileSync(join(EXAMPLE, file), 'utf8')
  t.ok(document.includes(`\n\`\`\`\n${content}\`\`\`\n`), `docs/deploying.md shows ${file}`)
  return content
}

function replaced (t: Test, text: string, from: string, to: string): string {
  t.ok(text.includes(from), `the configuration says ${from}`)
  return text.replaceAll(from, to)
}

async function startServer (t: Test, folder: string): Promise<{ server: Child, port: string }> {
  const server = new Child(t, process.execPath, ['dist/examples/behind-a-proxy/server.js', folder], { cwd: ROOT, env: { ...process.env, PORT: '0', ENDPOINT: '' } })
  const [, port] = await server.prints(/Server listening at https:\/\/127\.0\.0\.1:(\d+)/)
  return { server, port: port as string }
}

for (const { program, has, start, file, listen } of [
  { program: 'HAProxy', has: hasHaproxy, start: startHaproxy, file: 'haproxy.cfg', listen: { from: 'bind :443', to: ({ host, port }: Place) => `bind ${host}:${port}` } },
  { program: 'nginx', has: hasNginx, start: startNginx, file: 'nginx.conf', listen: { from: 'listen 443', to: ({ host, port }: Place) => `listen ${host}:${port}` } }
]) {
  t.test(`behind ${program} the example sees its clients, and the document shows the same configuration`, async (t) => {
    if (!has(t) || !hasProgram(t, 'curl')) return
    const folder = join(makeTestFolder(t), 'pki')
    const { server, port } = await startServer(t, folder)
    const place = await freePlace()
    const configuration = pasted(t, file)
    await start(t, replaced(t, replaced(t, configuration, listen.from, listen.to(place)), '127.0.0.1:8443', `127.0.0.1:${port}`))
    const curl = (...args: string[]) => run('curl', ['--silent', '--show-error', '--interface', '127.0.0.9', '--connect-to', `localhost:443:${place.host}:${place.port}`, '--cacert', join(folder, 'ca.pem'), ...args, 'https://localhost/'])
    const served = await curl('--cert', join(folder, 'alice.pem'), '--key', join(folder, 'alice.key'))
    t.match(served, { status: 0, stderr: '' })
    t.match(JSON.parse(served.stdout), { hello: 'alice', from: '127.0.0.9', proxy: `version ${program === 'HAProxy' ? 2 : 1}` })
    t.not((await curl()).status, 0, 'a stranger is refused')
    await server.prints(/certificate_required/)
    server.kill('SIGTERM')
    t.same(await server.ended, { status: 0, signal: null })
  })
}
