/** What the plugin adds to the types of Fastify. */
import type { X509Certificate } from 'node:crypto'
import type { EndpointDecorator, EndpointListener } from './plugin.js'
import type { ProxyProtocol } from './proxy-protocol.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The endpoints of the app, their health, and `reload()`. */
    endpoint: EndpointDecorator
  }

  interface FastifyRequest {
    /** The client certificate that was accepted in the handshake; undefined if there is none. */
    readonly clientCertificate: X509Certificate | undefined
    /** The PROXY header of the connection; undefined unless the endpoint is `haproxy:`. */
    readonly proxyProtocol: ProxyProtocol | undefined
    /** The endpoint that the request came in on, one of `app.endpoint.listeners`; undefined for an injected request. */
    readonly endpoint: EndpointListener | undefined
  }

  interface FastifyContextConfig {
    /** Set it in `config` of a route. */
    endpoint?: {
      /**
       * Answers 403 (`FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED`) to clients without a certificate, on an endpoint with
       * `verify=optional`.
       *
       * The member is not optional: Fastify infers the config of a route, so a misspelt optional member would compile
       * and leave the route open.
       */
      clientCertificate: 'required'
    }
  }
}
