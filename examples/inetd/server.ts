/**
 * A service in the style of inetd: one process for each connection. systemd starts it with example.socket and
 * example@.service; you can also try it without them:
 *
 *     npm run programs
 *     printf 'GET / HTTP/1.1\r\nhost: x\r\n\r\n' | node dist/examples/inetd/server.js
 *     socat TCP-LISTEN:8080,fork,reuseaddr EXEC:'node dist/examples/inetd/server.js'
 *
 * ENDPOINT decides where it listens. The default is standard input and output, so the log goes to standard error.
 */
import Fastify from 'fastify'
import endpoint, { serverFactory } from 'fastify-endpoint'

const app = Fastify({ serverFactory, logger: { stream: process.stderr } })
await app.register(endpoint, { fallback: 'stdio' })

app.get('/', async (request) => ({ hello: request.ip ?? 'pipe', process: process.pid }))

await app.listen()
