/** Endpoint strings: taken apart, understood, and written. It reads no file and opens nothing. */
export { allowedVersions } from './sslmethod.js'
export { parseEndpoint } from './parse.js'
export { quoteEndpointArgument } from './quote.js'
export { isSecured, type SecuredEndpoint } from './secured.js'
export { tokenizeEndpoint, type Tokens } from './tokenize.js'
export { unwrap, type UnwrappedEndpoint } from './unwrap.js'
