/** A sentinel, or a server of a cluster, that an attacker has taken over: where it may lead, and where not. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { kindsFrom } from '../../lib/revocation/sources/redis/primary.js'
import { acceptInRedis, addToRedis } from '../../lib/revocation/sources/redis/writer.js'
import { freePort } from '../support/loopback.js'
import { createAuthority } from '../support/pki.js'
import { hasProgram } from '../support/programs.js'
import { startRedis } from '../support/redis.js'
import { untilReplica } from '../support/redis-sentinels.js'
import { naming, startImpostor } from '../support/redis-impostor.js'
import { codesOf, entry, openSource } from '../support/redis-source.js'
import { makeTestFolder } from '../support/test-folder.js'
import { until } from '../support/until.js'

const code = 'FST_ENDPOINT_REDIS_UNAVAILABLE'
const behind = (port: number): string => `redis-sentinel://127.0.0.1:${port}/0?master=main&key=revoked`
const inCluster = (port: number): string => `redis-cluster://127.0.0.1:${port}/?key={revoked}`

t.test('an address inside is not reached from outside, nor one outside in clear text', async (t) => {
  for (const [from, isTls, allowed] of [
    ['loopback', false, ['loopback', 'private']],
    ['private', false, ['private']],
    ['private', true, ['private', 'public']],
    ['public', false, ['public']],
    ['link-local', false, ['link-local']]
  ] as const) t.same([...kindsFrom(from, isTls)], allowed, from)
})

for (const [what, answer, message] of [
  ['the metadata of a cloud', naming('169.254.169.254', 80), /a sentinel leads from a loopback address to a link-local one \(169\.254\.169\.254\): let the sentinels/],
  ['the metadata of a cloud, written as IPv6', naming('::ffff:169.254.169.254', 80), /to a link-local one/],
  ['a server outside', naming('8.8.8.8', 6379), /from a loopback address to a public one/],
  ['no port', naming('127.0.0.1', 0), /does not answer as Redis does/],
  ['too high a port', naming('127.0.0.1', 99999), /does not answer as Redis does/],
  ['what is no host', naming('a b\r\nc', 1), /does not answer as Redis does/],
  ['a socket in the file system', naming('/run/redis.sock', 1), /does not answer as Redis does/],
  ['one word', '*1\r\n$1\r\na\r\n', /does not answer as Redis does/],
  ['nothing', '*2\r\n$-1\r\n$-1\r\n', /does not answer as Redis does/],
  ['a number', ':5\r\n', /does not answer as Redis does/],
  ['nobody, over and over', '*-1\r\n'.repeat(50), /knows no primary by the name of master=/],
  ['arrays in one another', '*2\r\n*2\r\n', /does not answer as Redis does/],
  ['more than an address', `${naming('127.0.0.1', 1)}*-1\r\n`, /./],
  ['a very long host', `*2\r\n$70000\r\n${'a'.repeat(70_000)}\r\n$1\r\n1\r\n`, /more than \d+ bytes/]
] as const) {
  t.test(`a sentinel that names ${what} is a coded error`, async (t) => {
    const { port } = await startImpostor(t, answer)
    await t.rejects(openSource(t, behind(port)).load(), { code: /^FST_ENDPOINT_REDIS_(?:UNAVAILABLE|TOO_LARGE)$/, message })
  })
}

for (const [what, answer, message] of [
  ['the metadata of a cloud', '-MOVED 5827 169.254.169.254:80\r\n', /a server of the cluster leads from a loopback address to a link-local one.*name that address in the list/],
  ['what is no host', '-MOVED 5827 ?:7000\r\n', /it redirects to an address that is none/],
  ['no port', '-MOVED 5827 127.0.0.1:0\r\n', /it redirects to an address that is none/]
] as const) {
  t.test(`a cluster that redirects to ${what} is a coded error`, async (t) => {
    const { port } = await startImpostor(t, answer)
    await t.rejects(openSource(t, inCluster(port)).load(), { code, message })
  })
}

t.test('a cluster that redirects in a circle is followed five times, and each kind of redirect is bounded', async (t) => {
  const server = await startImpostor(t, () => `-MOVED 5827 :${server.port}\r\n`)
  await t.rejects(openSource(t, inCluster(server.port)).load(), { code, message: /it redirects more than 5 times/ })
  t.equal(server.connections, 18, 'three connections each')
  const asking = await startImpostor(t, (asked) => /subscribe/i.test(asked)
    ? '*3\r\n$9\r\nsubscribe\r\n$17\r\n{revoked}:changes\r\n:1\r\n'
    : `${/asking/i.test(asked) ? '+OK\r\n' : ''}${`-ASK 5827 127.0.0.1:${asking.port}\r\n`.repeat(asked.match(/^\*\d/gm)?.length ?? 1)}`)
  await t.rejects(openSource(t, inCluster(asking.port)).load(), { code })
  t.ok(asking.connections < 10, `${asking.connections} connections`)
  await t.rejects(addToRedis({ address: inCluster(server.port) }, [entry(1)]), { code, message: /it redirects more than 5 times/ })
})

t.test('a sentinel gets its own password, and not that of the set', async (t) => {
  const folder = makeTestFolder(t, { 'redis.password': 'hunter2\n', 'sentinel.password': 'hunter3\n' })
  const sentinel = await startImpostor(t, (asked) => /auth/i.test(asked) ? '-WRONGPASS no hunter3\r\n' : naming('169.254.169.254', 80))
  const address = `${behind(sentinel.port).replace('//', '//gate@')}&passwordFile=redis.password`
  await t.rejects(openSource(t, address, { folder }).load(), { code, message: /link-local/ })
  t.notMatch(sentinel.received, /hunter|gate|auth/i)
  const error = await openSource(t, `${address}&sentinelUser=asker&sentinelPasswordFile=sentinel.password`, { folder }).load().catch((thrown: Error) => thrown)
  t.match(error, { code, message: /WRONGPASS/ })
  t.notMatch((error as Error).message, /hunter/)
  t.match(sentinel.received, /asker[^]*hunter3/)
  t.notMatch(sentinel.received, /hunter2|gate/)
})

t.test('a node leaves a server that is no primary, and one that sentinels no longer name', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const [former, next] = await Promise.all([startRedis(t), startRedis(t)])
  const replica = await startRedis(t, ['--replicaof', '127.0.0.1', `${former.port}`, '--repl-diskless-sync-delay', '0'])
  // Not the other way round: accepting a set as complete un-revokes what it lacks.
  await acceptInRedis(next)
  await addToRedis(next, [entry('next')])
  await acceptInRedis(former)
  await addToRedis(former, [entry('former')])
  await untilReplica(replica.client, former.client)
  const sentinel = await startImpostor(t, naming('127.0.0.1', replica.port))
  const { until: untilContent, load } = openSource(t, behind(sentinel.port))
  await t.rejects(load(), { code, message: /it is not the primary/ })
  sentinel.answer = naming('127.0.0.1', former.port)
  t.same((await load()).keys, [entry('former')])
  // The former primary still answers, so only the sentinel shows that another one has taken over.
  await untilContent((content) => content?.keys.includes(entry('next')) === true, () => { sentinel.answer = naming('127.0.0.1', next.port) })
  const content = await load()
  t.same(content.keys.toSorted(), [entry('former'), entry('next')].toSorted(), 'what only the former one had stays revoked')
  t.ok(codesOf(content).includes('FST_ENDPOINT_REDIS_KEPT'))
  sentinel.answer = '-ERR it is confused\r\n'
  const before = sentinel.received.length
  await until('the sentinel was asked again', () => sentinel.received.length > before + 100)
  t.equal((await load()).keys.length, 2, 'a sentinel that does not answer changes nothing')
})

t.test('over TLS, sentinels are known by their hosts, and the servers that they name by serverName=', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const folder = makeTestFolder(t, {})
  const [ca, other] = await Promise.all([createAuthority(), createAuthority()])
  const server = await ca.issue({ name: 'redis', usage: 'server', dnsNames: ['redis.internal'] })
  await Promise.all([['server.pem', server.chain], ['server.key', server.key], ['ca.pem', ca.certificate]].map(([file, text]) => writeFile(join(folder, file as string), text as string)))
  const path = (file: string): string => join(folder, file)
  const tlsPort = await freePort()
  const redis = await startRedis(t, ['--tls-port', `${tlsPort}`, '--tls-cert-file', path('server.pem'), '--tls-key-file', path('server.key'), '--tls-ca-cert-file', path('ca.pem'), '--tls-auth-clients', 'no'])
  await acceptInRedis(redis)
  await addToRedis(redis, [entry(1)])
  const certificate = await ca.issue({ name: 'sentinel', usage: 'server', ipAddresses: ['127.0.0.1'] })
  const sentinel = await startImpostor(t, naming('127.0.0.1', tlsPort), { key: certificate.key, cert: certificate.chain })
  const address = behind(sentinel.port).replace('redis-', 'rediss-')
  t.same((await openSource(t, `${address}&ca=ca.pem&serverName=redis.internal`, { folder }).load()).keys, [entry(1)])
  await t.rejects(openSource(t, `${address}&ca=ca.pem`, { folder }).load(), { code, message: /altnames/ }, 'its certificate is not for the address')
  await t.rejects(openSource(t, `${address}&serverName=redis.internal`, { folder }).load(), { code, message: /certificate/ }, 'nobody vouches for it')

  sentinel.answer = naming('127.0.0.1', sentinel.port)
  await t.rejects(openSource(t, `${address}&ca=ca.pem&serverName=redis.internal`, { folder }).load(), { code, message: /altnames/ }, 'a sentinel is no Redis server')
  sentinel.answer = naming('127.0.0.1', redis.port)
  await t.rejects(openSource(t, `${address}&ca=ca.pem&serverName=redis.internal`, { folder }).load(), { code }, 'TLS stays TLS')
  const foreign = await other.issue({ name: 'sentinel', usage: 'server', ipAddresses: ['127.0.0.1'] })
  const impostor = await startImpostor(t, naming('127.0.0.1', tlsPort), { key: foreign.key, cert: foreign.chain })
  await t.rejects(openSource(t, `${address.replace(`${sentinel.port}`, `${impostor.port}`)}&ca=ca.pem&serverName=redis.internal`, { folder }).load(), { code, message: /certificate/ })
  t.equal(impostor.received, '')
})
