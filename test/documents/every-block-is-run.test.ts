/**
 * Every code block of the README and of docs/ runs: here, or in a test that the document names above the block,
 * `<!-- runs: test/… -->`. A file of examples/ has tests of its own, and a diagram is a picture.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import blankSpace from 'ts-blank-space'
import { type Block, faultOf, readBlocks, ROOT } from '../support/documents.js'
import { installed } from '../support/installed.js'
import { createAuthority } from '../support/pki.js'
import { HAPROXY, hasProgram, run, type Run } from '../support/programs.js'

const TLS = 'tls:0:interface=127.0.0.1:privateKey=server.key:certKey=server.pem:authorities=clients-ca.pem:revokedFile=revoked.txt'

const REMEDY = 'write <!-- runs: test/… --> in the line above it, with the test that runs it (CONTRIBUTING.md, "Documents")'

/** What a block of JavaScript may use without saying where it comes from. */
const GIVEN: Record<string, string> = {
  app: 'const app = Fastify({ serverFactory }); await app.register(endpoint)',
  build: 'const build = (options) => { const app = Fastify({ serverFactory }); app.register(endpoint, options); return app }',
  pem: "const pem = readFileSync('clients-ca.pem')",
  root: "const root = new X509Certificate(readFileSync('clients-ca.pem'))",
  issuing: "const issuing = new X509Certificate(readFileSync('clients-ca.pem'))",
  client: "const client = new X509Certificate(readFileSync('mallory.pem'))",
  promisify: "import { promisify } from 'node:util'",
  execFile: "import { execFile } from 'node:child_process'",
  X509Certificate: "import { X509Certificate } from 'node:crypto'",
  readFileSync: "import { readFileSync } from 'node:fs'",
  Fastify: "import Fastify from 'fastify'",
  endpoint: "import endpoint from 'fastify-endpoint'",
  serverFactory: "import { serverFactory } from 'fastify-endpoint'"
}

/** A folder with what the strings of the documents name. Inside the one of the installed package, which a program there finds. */
async function makeFolder (t: Test): Promise<string> {
  const folder = mkdtempSync(join(installed(), 'block-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const ca = await createAuthority({ name: 'Acme CA' })
  const [server, mallory] = await Promise.all([
    ca.issue({ name: 'example.org', usage: 'server', dnsNames: ['example.org'] }),
    ca.issue({ name: 'mallory', usage: 'client' })
  ])
  for (const name of ['lost', 'crls']) mkdirSync(join(folder, name))
  const files = {
    'server.key': server.key,
    'server.pem': server.chain,
    'clients-ca.pem': ca.certificate,
    'ca.pem': ca.certificate,
    'balancer.pem': mallory.chain + mallory.key,
    'mallory.pem': mallory.certificate,
    'lost/mallory.pem': mallory.certificate,
    'revoked.txt': 'lost/*.pem\n'
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { mode: 0o600 })
  return folder
}

function command (folder: string, args: readonly string[], endpoint = TLS): Promise<Run> {
  return run('sh', ['-c', 'unset NODE_OPTIONS; cd "$0" && exec "$@"', folder, process.execPath, join(installed(), 'node_modules/fastify-endpoint/dist/bundle/fastify-endpoint.js'), ...args], { env: { ...process.env, ENDPOINT: endpoint } })
}

async function runScript (t: Test, folder: string, block: Block): Promise<void> {
  const text = block.language === 'ts' ? blankSpace(block.text) : block.text
  const declared = (name: string): boolean => new RegExp(`\\b(const|function) ${name}\\b|\\bconst \\{[^=]*\\b${name}\\b|\\bimport [^\\n]*\\b${name}\\b[^\\n]* from `).test(text)
  const given = { ...GIVEN }
  const needed = new Set<string>()
  const lines: string[] = []
  const need = (code: string): void => {
    for (const [name, line] of Object.entries(given)) {
      if (needed.has(name) || declared(name) || !new RegExp(`(?<![.'])\\b${name}\\b(?![':])`).test(code)) continue
      needed.add(name)
      need(line)
      lines.push(line)
    }
  }
  // Ports of its own choice, as any other test; and the string of this test, where the text does not say all of one.
  const body = text.replaceAll(/\b(tcp|tls):\d+/g, '$1:0').replace("'tls:0:…'", `'${TLS}'`)
  if (/register\(endpoint\b/.test(body)) given['app'] = 'const app = Fastify({ serverFactory })'
  need(body)
  const ends = needed.has('app') || declared('app')
  const listens = /app\.(listen|inject)\(/.test(text)
  writeFileSync(join(folder, 'app.mjs'), [...lines, body, ...(ends ? [listens ? '' : 'await app.listen()', 'await app.close()'] : [])].join('\n'))
  const { status, stderr } = await run('sh', ['-c', 'unset NODE_OPTIONS; cd "$0" && exec "$1" app.mjs', folder, process.execPath], { env: { ...process.env, ENDPOINT: TLS } })
  t.equal(status, 0, stderr)
}

async function runCommands (t: Test, folder: string, { text }: Block): Promise<void> {
  const strings: string[] = []
  for (const line of text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))) {
    const [, string] = /^ENDPOINT=(\S+)$/.exec(line) ?? []
    const [, args] = /^npx fastify-endpoint (.*)$/.exec(line) ?? []
    if (string?.startsWith("'[") === true) t.match(await command(folder, ['check'], string.slice(1, -1)), { status: 0 })
    else if (string !== undefined) strings.push(string)
    else if (args !== undefined) t.not((await command(folder, wordsOf(args))).status, 2, line)
    else t.fail(`nothing runs "${line}": ${REMEDY}`)
  }
  // One by one: together, some of them would want one place.
  for (const string of strings) t.match(await command(folder, ['check', string]), { status: 0 }, string)
}

/** As a shell takes them apart, with single quotes and without more. */
function wordsOf (line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => (quoted ?? plain) as string)
}

/** What a command prints: each line begins as one of what it prints here. */
async function compareOutput (t: Test, folder: string, { text, before }: Block): Promise<void> {
  const [, args] = /^npx fastify-endpoint (.*)\n$/.exec(before?.text ?? '') as unknown as [string, string]
  // In the example the list names a CRL too.
  const { stdout } = await command(folder, wordsOf(args))
  const beginning = (line: string): string => /^[│├└─ ✓✗]*(\w+)/.exec(line)?.[1] ?? ''
  const printed = new Set(stdout.split('\n').map((line) => beginning(line.replace(/^[\s|`+-]*/, ''))))
  for (const line of text.split('\n').slice(1, -1)) if (!/CRL/.test(line)) t.ok(printed.has(beginning(line)), line)
}

/** A list: an app can load it. */
async function checkList (t: Test, folder: string, { text }: Block): Promise<void> {
  writeFileSync(join(folder, 'revoked.txt'), text)
  t.match(await command(folder, ['check', TLS]), { status: 0 })
}

async function checkHaproxy (t: Test, folder: string, { text }: Block): Promise<void> {
  if (!hasProgram(t, 'haproxy')) return
  writeFileSync(join(folder, 'haproxy.cfg'), text)
  t.match(await run(HAPROXY, ['-c', '-C', folder, '-f', join(folder, 'haproxy.cfg')]), { status: 0 })
}

const EXAMPLES = readdirSync(join(ROOT, 'examples'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.name.endsWith('.pem'))
  .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'))

/** Whether an example has its lines in this order; `…` matches anything. */
function isExcerpt ({ text }: Block): boolean {
  const lines = text.trim().split('\n').map((line) => new RegExp(`^${line.trim().split('…').map((part) => part.replaceAll(/[^\w ]/g, '\\$&')).join('.*')}$`))
  return EXAMPLES.some((example) => {
    let next = 0
    for (const line of example.split('\n')) if (next < lines.length && (lines[next] as RegExp).test(line.trim())) next++
    return next === lines.length
  })
}

function readIfThere (file: string): string | undefined {
  const path = join(ROOT, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function runnerOf (block: Block): ((t: Test, folder: string, block: Block) => Promise<void>) | undefined {
  const { language, text, runs } = block
  if (runs.length > 0) return async (t) => { t.equal(faultOf(block, readIfThere), undefined) }
  if (isExcerpt(block)) return async (t) => { t.pass('it is part of an example') }
  if (language === 'mermaid') return async (t) => { t.pass('it is a picture') }
  if (language === 'js' || language === 'ts') return runScript
  if (language === 'sh') return runCommands
  if (language === '' && /^[│├└]─/m.test(text)) return compareOutput
  if (language === '' && /^defaults\n/.test(text)) return checkHaproxy
  if (language === '' && /\.(pem|crl)$|sha256\/\//m.test(text)) return checkList
  return undefined
}

t.jobs = 1
for (const block of readBlocks()) {
  t.test(`${block.where} (${block.language || 'plain'}) does what it says`, async (t) => {
    const runner = runnerOf(block)
    if (runner === undefined) t.fail(`nothing runs this block: ${REMEDY}\n${block.text}`)
    else await runner(t, await makeFolder(t), block)
  })
}
