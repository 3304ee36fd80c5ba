/** What the package exports, nothing else. */
export { endpoint as default, endpoint } from './plugin.js'
export { serverFactory, EndpointServer } from './server.js'
export { parseEndpoint, quoteEndpointArgument, tokenizeEndpoint } from './description/index.js'
export { errors } from './errors.js'
export type { ErrorCode, ErrorLocation } from './errors.js'
export type * from '../types/endpoint.js'
export type * from '../types/plugin.js'
export type {} from '../types/fastify.js'
