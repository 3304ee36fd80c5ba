/** The option `credentials`: key and certificate from anywhere, put in force like renewed files. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import endpoint, {
  parseCredentials, serverFactory, type CredentialSource, type CredentialSourceFactory, type SourcedCredentials
} from '../../lib/index.js'
import { createAuthority, type Issued } from '../support/pki.js'
import { LogCapture } from '../support/log.js'
import { until } from '../support/until.js'

const ca = await createAuthority({ name: 'Test CA' })
const issue = (name = 'example.org'): Promise<Issued> => ca.issue({ name, usage: 'server', dnsNames: [name] })

/** A source whose content a test sets. */
class Settable implements CredentialSource {
  readonly name = 'the vault'
  closed = 0
  value: SourcedCredentials | undefined
  readonly #listeners: Array<() => void> = []

  current (): SourcedCredentials | undefined {
    return this.value
  }

  onChange (listener: () => void): void {
    this.#listeners.push(listener)
  }

  set (value: unknown): void {
    this.value = value as SourcedCredentials
    for (const listener of this.#listeners) listener()
  }

  close (): void {
    this.closed++
  }
}

async function start (t: Test, source: CredentialSourceFactory, more = ''): Promise<{ app: FastifyInstance<any, any, any, any>, port: number, log: LogCapture }> {
  const log = new LogCapture()
  const app = Fastify({ serverFactory, logger: log.logger })
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: `tls:0:interface=127.0.0.1:credentials=vault${more}`, credentials: { vault: source } })
  await app.listen()
  return { app, port: (app.server.address() as AddressInfo).port, log }
}

/** The serial number that a client gets, or the error. */
async function shown (port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'example.org', ca: ca.certificate })
  return await new Promise((resolve) => {
    socket.once('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '')
      socket.destroy()
    }).on('error', ({ message }) => { resolve(message) })
  })
}

t.test('a certificate is in force when it is there, and a new one in its place', async (t) => {
  const source = new Settable()
  const { app, port, log } = await start(t, (context) => {
    t.match(context, { endpoint: 'tls:0:interface=127.0.0.1:credentials=vault' })
    context.log.info({}, 'opened')
    return source
  })
  t.match(await shown(port), /unrecognized name/, 'until then, clients get the alert unrecognized_name')
  t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'credentials_failed', message: /there is no certificate yet/ }] })
  const first = await issue()
  source.set(await parseCredentials({ key: first.key, chain: first.chain, names: ['example.org'], name: 'the vault' }))
  await until('it is in force', async () => await shown(port) === first.x509.serialNumber)
  const open = connect({ port, host: '127.0.0.1', servername: 'example.org', ca: ca.certificate })
  await once(open, 'secureConnect')
  const second = await issue()
  source.set(await parseCredentials({ key: second.key, chain: second.chain, name: 'the vault' }))
  await until('the next one is in force', async () => await shown(port) === second.x509.serialNumber)
  t.notOk(open.destroyed, 'an open connection stays')
  open.destroy()
  t.equal(log.about('credentials reloaded').length, 2)
  source.set(undefined)
  await app.endpoint.reload()
  t.equal(await shown(port), second.x509.serialNumber, 'a source that has lost it takes nothing out of force')
  await app.close()
  await until('the source is closed', () => source.closed === 1)
})

t.test('what cannot be used is a problem, and the previous certificate stays', async (t) => {
  const source = new Settable()
  const good = await issue()
  source.value = await parseCredentials({ key: good.key, chain: good.chain, name: 'the vault' })
  const { app, port } = await start(t, async () => source)
  const another = await issue()
  const foreign = await parseCredentials({ key: another.key, chain: another.chain, name: 'x' })
  for (const [what, value, code] of [
    ['a key of another certificate', { ...foreign, chain: source.value.chain }, 'FST_ENDPOINT_KEY_MISMATCH'],
    ['no certificates', { ...foreign, chain: [] }, 'FST_ENDPOINT_CREDENTIALS_SOURCE'],
    ['PEM in place of objects', { key: another.key, chain: another.chain }, 'FST_ENDPOINT_CREDENTIALS_SOURCE'],
    ['a public key', { ...foreign, key: foreign.chain[0]?.publicKey }, 'FST_ENDPOINT_CREDENTIALS_SOURCE']
  ] as Array<[string, unknown, string]>) {
    source.set(value)
    await t.rejects(app.endpoint.reload(), { code, argument: 'credentials' }, what)
    t.equal(await shown(port), good.x509.serialNumber)
    t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'credentials_failed', error: code }] })
    t.notMatch(JSON.stringify(app.endpoint.health()), /PRIVATE/)
  }
  const sealed = (): never => { throw new Error('it is sealed') }
  for (const current of [sealed, () => ({ ...foreign, get chain (): never { return sealed() } })]) {
    source.current = current
    await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_CREDENTIALS_SOURCE', message: /the credential source the vault has failed: it is sealed/ })
  }
  t.equal(await shown(port), good.x509.serialNumber)
})

t.test('a source that cannot be opened stops the start', async (t) => {
  const register = async (options: object): Promise<void> => {
    const app = Fastify({ serverFactory })
    t.teardown(() => app.close())
    await app.register(endpoint, { endpoint: 'tls:0:credentials=vault', ...options })
  }
  await t.rejects(register({}), { code: 'FST_ENDPOINT_CREDENTIALS_SOURCE', argument: 'credentials', message: /has no credential source vault\. Give it in the option credentials/ })
  await t.rejects(register({ credentials: { vault: 'https://vault' } }), { code: 'FST_ENDPOINT_INVALID_OPTION', message: /credentials\.vault/ })
  await t.rejects(register({ credentials: { vault: () => ({ current () {} }) } }), { code: 'FST_ENDPOINT_CREDENTIALS_SOURCE', message: /Return an object with name, current, onChange and close/ })
  await t.rejects(register({ credentials: { vault: async () => { throw new Error('no token') } } }), { code: 'FST_ENDPOINT_CREDENTIALS_SOURCE', message: /could not be opened: no token/ })
  const deaf = new Settable()
  deaf.onChange = () => { throw new Error('no events') }
  await t.rejects(register({ credentials: { vault: () => deaf } }), { code: 'FST_ENDPOINT_CREDENTIALS_SOURCE', argument: 'credentials', message: /the vault has failed in onChange: no events/ })
  await until('it is closed', () => deaf.closed === 1)
})

t.test('parseCredentials says what is wrong', async (t) => {
  const { key, chain } = await issue()
  const other = await issue()
  const day = 24 * 60 * 60 * 1000
  const name = 'the vault'
  t.match(await parseCredentials({ key, chain, names: ['example.org'], name }), { names: ['example.org'], notAfter: Date })
  await t.rejects(parseCredentials({ key: 'x', chain, name }), { code: 'FST_ENDPOINT_KEY_INVALID', file: name })
  await t.rejects(parseCredentials({ key, chain: '', name }), { code: 'FST_ENDPOINT_CERTIFICATE_INVALID' })
  await t.rejects(parseCredentials({ key, chain: other.chain, name }), { code: 'FST_ENDPOINT_KEY_MISMATCH', message: /does not match its private key/ })
  await t.rejects(parseCredentials({ key, chain, names: ['other.example'], name }), { code: 'FST_ENDPOINT_CERTIFICATE_INVALID', message: /is not for other\.example/ })
  await t.rejects(parseCredentials({ key, chain: chain + other.chain, name }), { code: 'FST_ENDPOINT_CERTIFICATE_INVALID', message: /has not signed the one before it/ })
  await t.rejects(parseCredentials({ key, chain, name, now: Date.now() + 400 * day }), { message: /has expired at/ })
  await t.rejects(parseCredentials({ key, chain, name, now: Date.now() - 400 * day }), { message: /is valid from .* only/ })
})
