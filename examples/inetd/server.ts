/**
 * A service that is started anew for each connection, and ends with it: inetd's way. See example.socket and
 * example@.service beside this file, or try it without any of them:
 *
 *     npm run programs
 *     printf 'GET / HTTP/1.1\r\nhost: x\r\n\r\n' | node dist/examples/inetd/server.js
 *     socat TCP-LISTEN:8080,fork,reuseaddr EXEC:'node dist/examples/inetd/server.js'
 *
 * ENDPOINT decides where it listens; without it, it is standard input and output. So the log goes to
 * standard error.
 */
import Fastify from 'fastify'
import endpoint, { serverFactory } from 'fastify-endpoint'

const app = Fastify({ serverFactory, logger: { stream: process.stderr } })
await app.register(endpoint, { fallback: 'stdio' })

app.get('/', async (request) => ({ hello: request.ip ?? 'pipe', process: process.pid }))

await app.listen()
