/** What the plugin adds to the types of Fastify. */
import type { X509Certificate } from 'node:crypto'
import type { ClientIdentity } from './client-identity.js'
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
    /** The names in that certificate, and the roles of the client; undefined without one. Read on first use. */
    readonly clientIdentity: ClientIdentity | undefined
    /** The PROXY header of the connection; undefined unless the endpoint is `haproxy:`. */
    readonly proxyProtocol: ProxyProtocol | undefined
    /** The endpoint that received the request, one of `app.endpoint.listeners`; undefined for an injected request. */
    readonly endpoint: EndpointListener | undefined
  }

  interface FastifyContextConfig {
    /**
     * Set it in `config` of a route.
     *
     * - `clientCertificate` answers 403 (`FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED`) to clients without a certificate, on an
     *   endpoint with `verify=optional`.
     * - `allow` does that too, and answers 403 (`FST_ENDPOINT_CLIENT_NOT_ALLOWED`) to clients that match none of its
     *   patterns: `role:NAME`, or the pattern of a rule of `allowedFile` (`uri:spiffe://example.org/ns/shop/*`).
     *
     * A mistake is an error when the route is registered: FST_ENDPOINT_INVALID_ROUTE.
     *
     * No member is optional: Fastify infers the config of a route, so a misspelt optional member would compile and leave
     * the route open.
     */
    endpoint?: { clientCertificate: 'required' } | { allow: readonly [string, ...string[]] }
  }
}
