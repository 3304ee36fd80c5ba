/** What registering the plugin adds to Fastify's own types. */
import type { X509Certificate } from 'node:crypto'
import type { EndpointDecorator, EndpointListener } from './plugin.js'
import type { ProxyProtocol } from './proxy-protocol.js'

declare module 'fastify' {
  interface FastifyInstance {
    endpoint: EndpointDecorator
  }

  interface FastifyRequest {
    /** The client certificate that was judged in the handshake; undefined where there is none. */
    readonly clientCertificate: X509Certificate | undefined
    /** What the PROXY header of the connection says; undefined where the endpoint does not say `haproxy:`. */
    readonly proxyProtocol: ProxyProtocol | undefined
    /** The endpoint that the request came by, one of `app.endpoint.listeners`; undefined for an injected request. */
    readonly endpoint: EndpointListener | undefined
  }

  interface FastifyContextConfig {
    endpoint?: {
      /**
       * Answers 403 to clients without a certificate, where the endpoint says verify=optional.
       *
       * Not optional itself: Fastify infers the config of a route, so that a misspelt optional member
       * would compile, and the route would be open.
       */
      clientCertificate: 'required'
    }
  }
}
