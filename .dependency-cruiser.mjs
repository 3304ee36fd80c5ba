/**
 * The picture that imports keep to: `npm run lint` fails on a circle, and on an import that runs against it. Data flows
 * one way, from strings and bytes at the top of this table to Fastify at its bottom; docs/design.md draws it.
 */

/** What each room of lib/ may import, beside its own files, text/ and types/. */
const ROOMS = {
  text: [],
  x509: ['errors.ts'],
  description: ['errors.ts'],
  watching: ['files.ts'],
  allowed: ['x509/', 'watching/', 'files.ts', 'half-sip-hash.ts', 'turns.ts', 'errors.ts'],
  transports: ['description/', 'files.ts', 'descriptors.ts', 'errors.ts'],
  'proxy-protocol': ['transports/'],
  revocation: ['allowed/', 'x509/', 'watching/', 'files.ts', 'descriptors.ts', 'half-sip-hash.ts', 'turns.ts', 'errors.ts'],
  tls: ['revocation/', 'allowed/', 'x509/', 'watching/', 'description/', 'transports/', 'files.ts', 'turns.ts', 'errors.ts'],
  acme: ['tls/', 'x509/', 'watching/', 'description/', 'files.ts', 'lock-file.ts', 'errors.ts'],
  events: ['engine/', 'x509/'],
  engine: ['layers/', 'allowed/', 'events/', 'tls/', 'proxy-protocol/', 'transports/', 'descriptors.ts', 'turns.ts', 'errors.ts'],
  layers: ['acme/', 'engine/', 'events/', 'metrics/', 'tls/', 'revocation/', 'proxy-protocol/', 'transports/', 'description/', 'x509/', 'errors.ts'],
  metrics: ['layers/', 'engine/', 'events/', 'tls/', 'revocation/', 'proxy-protocol/', 'watching/', 'description/', 'errors.ts'],
  plugin: ['layers/', 'allowed/', 'tls/', 'x509/', 'engine/', 'metrics/', 'revocation/', 'watching/', 'description/', 'descriptors.ts', 'errors.ts']
}

const rooms = Object.entries(ROOMS).map(([room, others]) => ({
  name: `${room}-imports`,
  severity: 'error',
  from: { path: `^lib/${room}/` },
  to: { path: '^lib/', pathNot: [`${room}/`, 'text/', ...others].map((other) => `^lib/${other}`) }
}))

const SOCKETS_AND_FASTIFY = '^(node:)?(net|tls|http|http2|https|fastify|fastify-plugin)$|node_modules/(fastify|fastify-plugin)/'

export default {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'types-import-errors-alone', severity: 'error', from: { path: '^types/' }, to: { path: '^lib/', pathNot: '^lib/errors\\.ts$' } },
    // What it asks of revocations is given to it.
    { name: 'tls-imports-only-types-of-revocations', severity: 'error', from: { path: '^lib/tls/' }, to: { path: '^lib/revocation/', dependencyTypesNot: ['type-only'] } },
    // But for the sources, which fetch.
    { name: 'revocation-knows-no-sockets', severity: 'error', from: { path: '^lib/revocation/', pathNot: '^lib/revocation/sources/' }, to: { path: SOCKETS_AND_FASTIFY } },
    ...rooms
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.tst\\.ts$' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] }
  }
}
