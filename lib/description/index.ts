/** Endpoint strings: taken apart, understood, and written. It reads no file and opens nothing. */
export { allowedVersions } from './sslmethod.js'
export { parseEndpoint } from './parse.js'
export { quoteEndpointArgument } from './quote.js'
export { tokenizeEndpoint, type Tokens } from './tokenize.js'
export { unwrap } from './unwrap.js'
