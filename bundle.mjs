/**
 * Bundles lib/ into the few files that npm publishes, in dist/bundle, and keeps of the declarations what their exports need.
 *
 * Loading one file takes about as long as compiling twenty kilobytes of another. So what a start needs is in few files, and what
 * only some starts need is in files of its own. Dependencies stay packages.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('.', import.meta.url))

const ENTRIES = {
  index: 'lib/index.ts',
  revocation: 'lib/revocation/index.ts',
  'fastify-endpoint': 'lib/cli/fastify-endpoint.ts',
  'fastify-endpoint-thread': 'lib/revocation/thread/fastify-endpoint-thread.ts',
  'fastify-endpoint-acme': 'lib/acme/fastify-endpoint-acme.ts'
}

/** What is in one file. A file needs only those above it; whatever matches none is with the entry that needs it. */
const GROUPS = {
  base: ['text/', 'description/', 'watching/', 'errors.ts', 'files.ts', 'descriptors.ts', 'turns.ts', 'plugin/default-limits.ts'],
  certificates: ['x509/', 'allowed/'],
  // All that an endpoint without TLS needs.
  server: ['engine/', 'transports/', 'proxy-protocol/', 'events/', 'tls/(undocumented|refusal-reason).ts'],
  // What the thread needs.
  reading: ['revocation/crl/', 'revocation/files/file-content.ts', 'revocation/thread/messages.ts'],
  revocations: ['revocation/(?!index|thread/fastify|sources/source-word)'],
  tls: ['tls/', 'layers/tls-'],
  // Without the worker.
  acme: ['acme/(?!fastify-endpoint)', 'layers/credential-sources']
}

const bundle = await rolldown({ cwd: root, input: ENTRIES, external: /^[^./]/, platform: 'node' })
await bundle.write({
  dir: 'dist/bundle',
  format: 'esm',
  // In one folder, so that the thread is found beside whatever starts it.
  chunkFileNames: '[name].js',
  codeSplitting: { groups: Object.entries(GROUPS).map(([name, parts]) => ({ name, test: new RegExp(`/lib/(${parts.join('|')})`) })) },
  // Without the sources, whose names and lines are all that a stack trace shows.
  sourcemap: true,
  sourcemapExcludeSources: true
})
await bundle.close()

const declarations = join(root, 'dist', 'declarations')
const needed = new Set()
for (const entry of ['lib/index.d.ts', 'lib/revocation/index.d.ts']) keep(join(declarations, entry))
for (const entry of readdirSync(declarations, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  if (entry.isFile() && !needed.has(path)) rmSync(path)
}

/** A file of declarations, and all that it names. */
function keep (path) {
  if (needed.has(path)) return
  needed.add(path)
  for (const [, name] of readFileSync(path, 'utf8').matchAll(/(?:from|import) ?\(?['"](\.[^'"]+)\.js['"]/g)) keep(join(dirname(path), `${name}.d.ts`))
}
