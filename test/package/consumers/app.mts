import Fastify, { type FastifyInstance } from 'fastify'
import endpoint, { errors, parseEndpoint, quoteEndpointArgument, serverFactory, type EndpointOptions, type TlsEndpoint } from 'fastify-endpoint'
import { loadRevocations, type RevocationSet } from 'fastify-endpoint/revocation'

export async function makeApp (options: EndpointOptions): Promise<FastifyInstance> {
  const app = Fastify({ serverFactory })
  await app.register(endpoint, options)
  app.get('/', { config: { endpoint: { clientCertificate: 'required' } } }, async (request) => ({ hello: request.clientCertificate?.subject }))
  return app
}

export const parsed = parseEndpoint(`unix:${quoteEndpointArgument('/run/a:b')}`)
export const port: number | undefined = (parseEndpoint('tls:8443:privateKey=key.pem') as TlsEndpoint).port
export const load: () => Promise<RevocationSet> = () => loadRevocations({ patterns: ['*.pem'] })
export const known: boolean = typeof errors.FST_ENDPOINT_UNKNOWN_TYPE === 'function'
