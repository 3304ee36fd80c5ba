/** Orders and certificates count against the rate limits of a directory, so none is requested that cannot be stored or used. */
import { webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { OrderInterrupted } from '../../lib/acme/failure.js'
import { AcmeStore } from '../../lib/acme/store.js'
import { readSourced } from '../../lib/tls/sourced-credentials.js'
import { createAuthority, type KeyPair } from '../support/pki.js'
import { quoteEndpointArgument } from '../../lib/index.js'
import { Child } from '../support/children.js'
import { hasProgram, run } from '../support/programs.js'
import { FakeDirectory, SingleOrders, startOrdering } from '../support/fake-directory.js'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('a certificate that cannot be used counts against the limit of a week', async (t) => {
  const directory = await FakeDirectory.start(t)
  directory.change = () => 'no PEM'
  const { source } = await startOrdering(t, directory.settings(makeShortFolder(t)))
  await once(source.events, 'attempted')
  t.match(source.problems[0]?.message, /cannot be used/)
  const state = JSON.parse(await readFile(join(source.name, '..', 'state.json'), 'utf8')) as { issued: number[] }
  t.equal(state.issued.length, 1)
})

t.test('a clock that is a little slow takes the certificate that is valid by the clock of the directory', async (t) => {
  const directory = await FakeDirectory.start(t)
  directory.life.before = 0
  const { source } = await startOrdering(t, directory.settings(makeShortFolder(t)), { now: () => Date.now() - 30 * 60_000 })
  await once(source.events, 'attempted')
  t.ok(source.current())
  t.equal(directory.count('order'), 1)
})

t.test('a process that was stopped while it ordered leaves the order of another one alone', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  const orders = new SingleOrders(t, settings, directory.authority.certificate)
  const other = { url: 'https://127.0.0.1/other', finalize: 'https://127.0.0.1/f', key: 'key', challenges: [] }
  const store = new AcmeStore(settings)
  const demandLease = async (): Promise<void> => { await store.writeOrder(other) }
  t.type(await orders.order(settings, { demandLease }).catch((thrown: unknown) => thrown), OrderInterrupted)
  t.same(await store.readOrder(), other)
})

t.test('nothing is ordered while the disk is full', { skip: !hasProgram(t, 'prlimit') }, async (t) => {
  const directory = await FakeDirectory.start(t)
  const text = `tls:443:acme=example.org:acmeTerms=agreed:acmeStore=${quoteEndpointArgument(join(makeShortFolder(t), 'store'))}` +
    `:acmeDirectory=${quoteEndpointArgument(`${directory.url}/dir`)}:acmeCa=${quoteEndpointArgument(directory.caFile)}`
  // tap's own listener for SIGXFSZ would end the process. Node.js ignores that signal.
  const withoutTap = process.execArgv.filter((argument) => !argument.includes('@tapjs'))
  const program = ['--unset=NODE_OPTIONS', process.execPath, ...withoutTap, join(import.meta.dirname, '../programs/order-alone.ts'), text]
  const child = new Child(t, 'env', program)
  await child.prints(/"opened"/)
  // Little is left, as for a lease or an account. The kernel refuses the rest.
  const leave = (bytes: string): Promise<unknown> => run('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:unlimited`])
  await leave('4096')
  child.process.stdin?.write('begin\n')
  await child.prints(/"attempted":\["[^\n]*EFBIG/)
  await child.prints(/(?:"attempted"[^]*){3}/)
  t.equal(directory.count('order'), 0)
  await leave('unlimited')
  await child.prints(/"issued":\["example\.org"\]/)
  t.equal(directory.count('order'), 1, 'one order when there is room again')
  await child.prints(/"attempted":\[\]/)

  const early = new Child(t, 'prlimit', ['--fsize=4096:unlimited', 'env', ...program])
  await early.prints(/"code":"FST_ENDPOINT_ACME_STORE"[^\n]*EFBIG/)
  t.match(await early.ended, { status: 0 }, 'a start says it too')
})

t.test('a chain that OpenSSL rejects does not replace what is stored', async (t) => {
  const rsa = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 512, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' }
  const keyPair = await webcrypto.subtle.generateKey(rsa, true, ['sign', 'verify']) as KeyPair
  const weak = await createAuthority({ name: 'Weak CA', keyPair })
  const { key, certificate } = await weak.issue({ name: 'example.org', usage: 'server', dnsNames: ['example.org'] })
  const origin = { argument: 'acme', file: 'https://ca.example/cert', names: ['example.org'], now: Date.now() }
  const chain = Buffer.from(certificate + weak.certificate)
  t.throws(() => readSourced(Buffer.from(key), chain, origin, { isTried: true }), { code: 'FST_ENDPOINT_CERTIFICATE_INVALID', message: /OpenSSL rejects it/ })
})
