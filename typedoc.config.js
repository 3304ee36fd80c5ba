/** The API reference, `npm run docs`. `npm run types` checks that each export and each property has a comment. */
import { readFileSync } from 'node:fs'

// docs/errors.md has an entry for each, which a test checks.
const codes = readFileSync(new URL('lib/errors.ts', import.meta.url), 'utf8').match(/^ {2}FST_ENDPOINT_\w+/gm)

export default {
  entryPoints: ['lib/index.ts', 'lib/revocation/index.ts'],
  tsconfig: 'tsconfig.build.json',
  name: 'fastify-endpoint',
  out: 'api',
  includeVersion: true,
  disableSources: true,
  readme: 'none',
  excludePrivate: true,
  externalSymbolLinkMappings: { '@types/node': { '*': '#' } },
  treatWarningsAsErrors: true,
  validation: { notDocumented: true },
  requiredToBeDocumented: ['Function', 'Class', 'Interface', 'TypeAlias', 'Variable', 'Method', 'Property', 'Accessor'],
  intentionallyNotExported: ['EngineOptions'],
  intentionallyNotDocumented: codes.map((code) => `index.errors.__type.${code.trim()}`)
}
