import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Child } from '../support/children.js'
import { hasProgram, run, type Run } from '../support/programs.js'
import { makeTestFolder } from '../support/test-folder.js'
import { until } from '../support/until.js'

const ROOT = join(import.meta.dirname, '../..')
// What `npm ci && npm start` starts, once it is compiled.
const SERVER = 'dist/examples/mutual-tls/server.js'

/** The printed lines: each comment with the command below it. */
function commandsOf (output: string): Map<string, string> {
  return new Map([...output.matchAll(/^# (.*)\n(?!#)(.+)$/gm)].map(([, comment, command]) => [comment as string, command as string]))
}

t.test('the commands that the example prints do what their comments say', async (t) => {
  if (!hasProgram(t, 'curl') || !hasProgram(t, 'sed')) return
  // A path that a shell would take apart, and the endpoint string too.
  const folder = join(makeTestFolder(t), "it's: a=b pki")
  const server = new Child(t, process.execPath, [SERVER, folder], { cwd: ROOT, env: { ...process.env, PORT: '0', ENDPOINT: '' } })
  await server.prints(/Un-revoke Mallory:\n.*\n/)
  const commands = commandsOf(server.output)
  const paste = (comment: string): Promise<Run> => {
    const command = commands.get(comment)
    if (command === undefined) throw new Error(`"${comment}" was not printed: ${server.output}`)
    commands.delete(comment)
    return run('sh', ['-c', command])
  }
  const served = { status: 0, stdout: '{"hello":"alice"}' }

  t.match(await paste('Alice is served:'), served)

  const stranger = await paste('A client without a certificate is rejected:')
  t.not(stranger.status, 0)
  t.equal(stranger.stdout, '')

  const mallorysLine = [...commands.keys()].find((comment) => comment.startsWith('Mallory keeps')) as string
  const asMallory = (commands.get(mallorysLine) as string).split('; ').at(-1) as string
  t.match(await run('sh', ['-c', asMallory]), { status: 0, stdout: '{"hello":"mallory"}' })
  const mallory = await paste(mallorysLine)
  t.match(mallory.stdout, /^\S+ still here, mallory\n/, 'the stream began')
  t.notMatch(mallory.stdout, 'hello', 'and she is not served afterwards')
  t.not(mallory.status, 0)
  t.match(mallory.stderr, /curl: \((18|56)\)/, 'the stream was cut in the middle')
  t.match(server.output, 'certificate_revoked')

  t.match(await paste('Alice is not affected:'), served)

  t.equal((await paste('Un-revoke Mallory:')).status, 0)
  await until('Mallory is served again', async () => (await run('sh', ['-c', asMallory])).stdout === '{"hello":"mallory"}')

  t.same([...commands.keys()], [], 'nothing else was printed')
  server.kill('SIGTERM')
  t.same(await server.ended, { status: 0, signal: null })
  t.ok(existsSync(folder))
})
