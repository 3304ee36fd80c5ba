import fastify = require('fastify')
import endpoint = require('fastify-endpoint')
import revocation = require('fastify-endpoint/revocation')

export async function makeApp (): Promise<fastify.FastifyInstance> {
  const app = fastify({ serverFactory: endpoint.serverFactory })
  await app.register(endpoint.default, { endpoint: 'tcp:0:interface=127.0.0.1' })
  app.get('/', async (request) => ({ hello: request.clientCertificate?.subject ?? 'anonymous' }))
  return app
}

export const load: () => Promise<revocation.RevocationSet> = () => revocation.loadRevocations({ patterns: ['*.pem'] })
