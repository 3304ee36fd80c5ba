/** The app that the clients visit: on the installed package, configured by ENDPOINT alone. */
import Fastify from 'fastify'
import endpoint, { serverFactory } from 'fastify-endpoint'

const page = (name) => `<!doctype html>
<title>Hello</title>
<h1>Hello, ${name}</h1>
`

const app = Fastify({ serverFactory, logger: true, forceCloseConnections: true })
await app.register(endpoint)
app.get('/', async (request, reply) => {
  const { subject } = request.clientCertificate
  return reply.type('text/html').send(page(/CN=(\w+)/.exec(subject)[1]))
})
app.get('/news', async () => 'good news')
await app.listen()
process.on('SIGTERM', () => app.close())
process.send({ port: app.server.address().port })
