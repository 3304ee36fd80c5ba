/** What a directory may do wrong: each is a coded problem with its own words, and the next attempt succeeds. */
import { readFile } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import { mock } from 'node:test'
import t from 'tap'
import { createAuthority } from '../support/pki.js'
import { FakeDirectory, PROBLEM, SingleOrders, startOrdering, type Reply, type Resource } from '../support/fake-directory.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { until } from '../support/until.js'

const problem = (type: string, detail: string, status = 403): Reply => ({ status, body: { type: PROBLEM + type, detail } })

const CASES: Record<string, { resource: Resource, reply: Reply, message: RegExp }> = {
  'a directory that answers with an error': { resource: 'dir', reply: { status: 503, body: 'overloaded' }, message: /status 503/ },
  'a page of HTML in place of the directory': { resource: 'dir', reply: { body: '<html>captive portal</html>' }, message: /the directory is missing or malformed/ },
  'a directory without newOrder': { resource: 'dir', reply: { body: { newNonce: 'https://127.0.0.1/n', newAccount: 'https://127.0.0.1/a' } }, message: /newOrder of the directory/ },
  'a directory that leads to plain HTTP': { resource: 'dir', reply: { body: { newNonce: 'http://127.0.0.1/n', newAccount: 'https://127.0.0.1/a', newOrder: 'https://127.0.0.1/o' } }, message: /newNonce of the directory/ },
  'a redirect': { resource: 'dir', reply: { status: 302, headers: { location: 'https://127.0.0.1/' } }, message: /status 302/ },
  'an answer that is too large': { resource: 'dir', reply: { body: { fill: 'x'.repeat(2 * 1024 * 1024) } }, message: /no connection \(ERR_BAD_RESPONSE\)/ },
  'an account that needs a binding': { resource: 'account', reply: problem('externalAccountRequired', 'bind it'), message: /bind it \(externalAccountRequired\)\. Put the binding into a file, and name the file in acmeEab/ },
  'a deactivated account': { resource: 'order', reply: problem('unauthorized', 'Account is not valid, has status "deactivated"'), message: /has status "deactivated".*that the account is still valid/ },
  'an account that the directory has forgotten': { resource: 'order', reply: problem('accountDoesNotExist', 'who are you?', 400), message: /who are you\? \(accountDoesNotExist\)/ },
  'a rejected name': { resource: 'order', reply: problem('rejectedIdentifier', 'policy forbids "example.org"', 400), message: /policy forbids/ },
  'words that a terminal would act upon': { resource: 'order', reply: problem('malformed', '\u001b[2Jgone\r\nlevel=info', 400), message: /<U\+001B>\[2Jgone<U\+000D><U\+000A>level=info/ },
  'words without end': { resource: 'order', reply: problem('malformed', 'x'.repeat(100_000), 400), message: /x{400}…/ },
  'an order without a finalize URL': { resource: 'order', reply: { status: 201, headers: { location: 'https://127.0.0.1/1' }, body: { status: 'pending', authorizations: [] } }, message: /finalize of the order/ },
  'an order without a location': { resource: 'order', reply: { status: 201, body: { status: 'pending' } }, message: /did not return an order link/ },
  'an order that is not an object': { resource: 'order', reply: { status: 201, headers: { location: 'https://127.0.0.1/1' }, body: 'pending' }, message: /violates RFC 8555/ },
  'an order that becomes invalid': { resource: 'look', reply: { body: { status: 'invalid', finalize: 'https://127.0.0.1/f', authorizations: [], error: { type: `${PROBLEM}caa`, detail: 'CAA forbids it' } } }, message: /CAA forbids it/ },
  'an order with a status of another standard': { resource: 'look', reply: { body: { status: 'upcoming', finalize: 'https://127.0.0.1/f', authorizations: [] } }, message: /unknown status upcoming/ },
  'a challenge that fails': {
    resource: 'authz',
    reply: { body: { identifier: { value: 'example.org' }, status: 'invalid', challenges: [{ type: 'tls-alpn-01', url: 'https://127.0.0.1/c', token: 't', status: 'invalid', error: { type: `${PROBLEM}connection`, detail: 'Connection refused' } }] } },
    message: /example\.org: Connection refused/
  },
  'an authorization for a name that was not ordered': { resource: 'authz', reply: { body: { identifier: { value: 'other.example' }, status: 'pending', challenges: [] } }, message: /validation of other\.example, which was not ordered/ },
  'an answer in which lists are nested without end': { resource: 'dir', reply: { headers: { 'content-type': 'application/json' }, body: '['.repeat(400_000) + ']'.repeat(400_000) }, message: /./ },
  'authorizations that are no list of challenges': { resource: 'authz', reply: { body: { identifier: { value: 'example.org' }, status: 'pending', challenges: 'all' } }, message: /the list of challenges/ },
  'a CSR that it does not like': { resource: 'finalize', reply: problem('badCSR', 'weak key', 400), message: /weak key \(badCSR\)/ },
  'a chain that is no PEM': { resource: 'cert', reply: { body: 'soon' }, message: /cannot be used/ },
  'an internal error': { resource: 'finalize', reply: problem('serverInternal', 'oops', 500), message: /oops \(serverInternal\)/ }
}

t.test('each failure is a coded error with the words of the directory, and the next order succeeds', async (t) => {
  const directory = await FakeDirectory.start(t)
  const orders = new SingleOrders(t, directory.settings('/unused'), directory.authority.certificate)
  for (const [what, { resource, reply, message }] of Object.entries(CASES)) {
    const settings = directory.settings(makeShortFolder(t))
    directory.reply(resource, reply)
    const error = await orders.failure(settings)
    t.match(error, { code: 'FST_ENDPOINT_ACME_FAILED', message, argument: 'acme' }, what)
    t.ok(error.message.length < 1200, `${what}: the message is bounded`)
    t.same((await orders.order(settings)).names, ['example.org'], `${what}: the next order succeeds`)
  }
  t.notMatch(orders.log, /PRIVATE KEY|keyAuthorization/, 'no secret is in the log')
  t.match(await orders.failure(directory.settings(makeShortFolder(t)), { types: [] }), { message: /it offers only the challenges http-01, tls-alpn-01, dns-01/ })
})

t.test('a certificate that does not fit is not put in force', async (t) => {
  const directory = await FakeDirectory.start(t)
  const orders = new SingleOrders(t, directory.settings('/unused'), directory.authority.certificate)
  const stranger = await createAuthority({ name: 'Stranger' })
  const other = await stranger.issue({ name: 'example.org', usage: 'server', dnsNames: ['example.org'] })
  for (const [what, change, message] of [
    ['of another key', () => other.chain, /does not match its private key/],
    ['that is empty', () => '', /cannot be used/],
    ['with a foreign intermediate', (chain: string) => chain + other.chain, /has not signed the one before it/]
  ] as Array<[string, (chain: string) => string, RegExp]>) {
    directory.change = change
    t.match(await orders.failure(directory.settings(makeShortFolder(t))), { code: 'FST_ENDPOINT_ACME_FAILED', message }, `a chain ${what}`)
  }
  directory.change = (chain) => chain
  const day = 24 * 60 * 60 * 1000
  directory.life = { before: 90 * day, after: -day }
  t.match(await orders.failure(directory.settings(makeShortFolder(t))), { message: /has expired at/ })
  directory.life = { before: -day, after: 90 * day }
  t.match(await orders.failure(directory.settings(makeShortFolder(t))), { message: /is valid from .* only\. Check the clock/ })
})

t.test('a directory that never answers is given up, and a new worker is started for the next call', async (t) => {
  const directory = await FakeDirectory.start(t)
  directory.reply('dir', { isSilent: true })
  const settings = directory.settings(makeShortFolder(t))
  const orders = new SingleOrders(t, settings, directory.authority.certificate, { limit: 20_000 })
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => { mock.timers.reset() })
  const failure = orders.failure(settings)
  await until('the directory is asked', () => directory.calls.length > 0)
  mock.timers.tick(20_000)
  t.match(await failure, { code: 'FST_ENDPOINT_ACME_FAILED', message: /did not answer within 20 s/ })
  mock.timers.reset()
  t.ok(await orders.directory.meta())
})

t.test('a directory that is not who it says, or is down, is not trusted', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  const other = await createAuthority({ name: 'Other CA' })
  const orders = new SingleOrders(t, settings, other.certificate)
  t.match(await orders.failure(settings), { message: /no connection \((?:UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)\)/ })
  t.equal(directory.calls.length, 0)
  directory.server.closeAllConnections()
  await new Promise((resolve) => { directory.server.close(resolve) })
  t.match(await orders.failure(settings), { message: /no connection \(ECONNREFUSED\)/ })
})

t.test('a failed renewal keeps the certificate', async (t) => {
  const directory = await FakeDirectory.start(t)
  directory.life = { before: 80 * 86_400_000, after: 10 * 86_400_000 }
  const store = makeShortFolder(t)
  const { source } = await startOrdering(t, directory.settings(store))
  await once(source.events, 'changed')
  directory.always.set('order', problem('rateLimited', 'too many certificates', 429))
  const first = source.current()
  await until('the renewal has failed', () => source.problems.length > 0)
  t.equal(source.current(), first)
  t.match(source.problems[0]?.message, /too many certificates \(rateLimited\)\. Do nothing:/)
  t.match(await readFile(source.name, 'utf8'), /PRIVATE KEY[^]*CERTIFICATE/)
  t.ok(source.name.startsWith(join(store, '127.0.0.1_')))
})
