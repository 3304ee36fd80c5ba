/** How Node.js finds ioredis 5: see ioredis-5.mjs. */
export function resolve (specifier, context, next) {
  return next(specifier === 'ioredis' ? 'ioredis5' : specifier, context)
}
