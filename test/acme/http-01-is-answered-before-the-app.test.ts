/** Challenges of http-01 (RFC 8555 section 8.3): only outstanding tokens, whatever routes and hooks the app has. */
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { startChallenged } from '../support/challenged.js'
import { until } from '../support/until.js'

const PATH = '/.well-known/acme-challenge/'

function withRoutes (app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.headers['x-let-in'] === undefined) await reply.code(401).send('who are you?')
  })
  app.get(`${PATH}*`, async () => 'the app')
}

t.test('an outstanding token is answered, and nothing else', async (t) => {
  const site = await startChallenged(t, { others: ['tcp:0:interface=127.0.0.1'], prepare: withRoutes })
  const url = `http://127.0.0.1:${site.ports[1]}`
  const answer = await fetch(`${url}${PATH}to-ken`)
  t.equal(await answer.text(), 'to-ken.thumb')
  t.match([answer.status, answer.headers.get('content-type')], [200, 'application/octet-stream'])
  const head = await fetch(`${url}${PATH}to-ken`, { method: 'HEAD' })
  t.same([head.status, head.headers.get('content-length'), await head.text()], [200, '12', ''])
  for (const [what, path] of Object.entries({
    'an unknown token': `${PATH}other`,
    'the token of another kind of challenge': `${PATH}tls`,
    'a token with a query': `${PATH}to-ken?x`,
    'a token with a slash': `${PATH}to-ken/`,
    'an encoded token': `${PATH}to%2Dken`,
    'no token': PATH,
    'another path': '/'
  })) t.equal((await fetch(`${url}${path}`)).status, 401, `${what} goes to the app`)
  t.equal((await fetch(`${url}${PATH}to-ken`, { method: 'POST' })).status, 401, 'so does another method')
  const socket = connect({ port: site.ports[1] as number, host: '127.0.0.1' }).setEncoding('utf8')
  t.teardown(() => { socket.destroy() })
  socket.write(`GET HTTP://example.org${PATH}to-ken HTTP/1.1\r\nhost: example.org\r\n\r\n`)
  t.match((await once(socket, 'data'))[0], /^HTTP\/1\.1 200 OK[^]*to-ken\.thumb$/, 'the absolute form of RFC 9112 section 3.2.2 is the same')
  t.equal(await (await fetch(`${url}${PATH}other`, { headers: { 'x-let-in': '1' } })).text(), 'the app')
})

t.test('HTTP/2 is answered too', async (t) => {
  const site = await startChallenged(t, { more: ':alpn=h2+http/1.1', prepare: withRoutes })
  const session = connectHttp2(`https://example.org:${site.ports[0]}`, { lookup: (_name, _options, done) => { done(null, [{ address: '127.0.0.1', family: 4 }] as never, 4) }, ca: site.ca.certificate })
  t.teardown(() => { session.destroy() })
  for (const [path, status, text] of [[`${PATH}to-ken`, 200, 'to-ken.thumb'], [`${PATH}other`, 401, 'who are you?']] as const) {
    const stream = session.request({ ':path': path })
    let body = ''
    stream.setEncoding('utf8').on('data', (piece: string) => { body += piece })
    const [headers] = await once(stream, 'response')
    await once(stream, 'end')
    t.same([headers[':status'], body], [status, text])
  }
})

t.test('a token that another node has stored is found, and the store is looked at once a second', async (t) => {
  const site = await startChallenged(t, { hasChallenges: false, others: ['tcp:0:interface=127.0.0.1'], prepare: withRoutes })
  const url = `http://127.0.0.1:${site.ports[1]}${PATH}to-ken`
  await site.store.writeOrder({ url: 'https://127.0.0.1/o', finalize: 'https://127.0.0.1/f', key: 'k', challenges: site.challenges })
  const answers = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(url)).status))
  t.ok(answers.every((status) => status === 200 || status === 401))
  await until('it is answered', async () => (await fetch(url)).status === 200)
})

t.test('a token is answered while the app closes', async (t) => {
  const site = await startChallenged(t, { others: ['tcp:0:interface=127.0.0.1'], prepare: (app) => { app.get('/slow', () => new Promise(() => {})) } })
  const open = async (): Promise<Socket> => {
    const socket = connect({ port: site.ports[1] as number, host: '127.0.0.1' }).setEncoding('utf8')
    await once(socket, 'connect')
    return socket
  }
  const slow = await open()
  slow.on('error', () => {}).write('GET /slow HTTP/1.1\r\nhost: example.org\r\n\r\n')
  const validator = await open()
  await until('both are served', () => site.connections() === 2)
  const closing = site.app.close()
  await until('it closes', () => !site.app.server.listening)
  validator.write(`GET ${PATH}to-ken HTTP/1.1\r\nhost: example.org\r\n\r\n`)
  const [answer] = await once(validator, 'data') as [string]
  t.match(answer, /^HTTP\/1\.1 200 OK[^]*to-ken\.thumb$/)
  slow.destroy()
  validator.destroy()
  await closing
})
