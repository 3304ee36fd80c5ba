/** An app that esbuild has bundled with the package as npm would publish it, in its own process. */
import { renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Test } from 'tap'
import { Child } from './children.js'
import { serialOf } from './crl.js'
import { installed } from './installed.js'
import { makeLargeCrl } from './large-crl.js'
import { makeSite, type Site } from './mutual-tls.js'
import { createAuthority } from './pki.js'

const APP = `
import Fastify from 'fastify'
import endpoint, { serverFactory } from 'fastify-endpoint'
const app = Fastify({ serverFactory, logger: true, forceCloseConnections: true, pluginTimeout: 60_000 })
app.register(endpoint)
app.get('/', async (request) => request.clientCertificate.subject)
app.listen().then(() => console.log('listens on ' + app.server.address().port + '.'))
`

/** What fastify, which is CommonJS, needs in an ESM bundle of esbuild. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

export interface BundledApp {
  readonly site: Site
  readonly port: number
  /** Revokes mallory's certificate by a CRL that is large enough for the thread; resolves when it is in force. */
  revokeMallory (): Promise<void>
  /** How often the app, its threads and Node have printed a text. */
  count (text: string): number
}

/**
 * Bundles and starts it, with a CRL that is large enough for the thread and signed with RSASSA-PSS; it ends with the test.
 *
 * @param external packages that are left out of the bundle
 */
export async function startBundledApp (t: Test, format: 'esm' | 'cjs', external: string[] = []): Promise<BundledApp> {
  const site = await makeSite(t, await createAuthority({ name: 'Test CA', keyAlgorithm: 'RSA-2048' }))
  const file = site.path(format === 'esm' ? 'app.mjs' : 'app.cjs')
  await build({
    stdin: { contents: APP, resolveDir: installed() },
    bundle: true,
    platform: 'node',
    format,
    outfile: file,
    logLevel: 'silent',
    external,
    ...(format === 'esm' && { banner: { js: REQUIRE } })
  })
  const putCrl = (number: number, include: readonly string[]): void => {
    writeFileSync(site.path('next'), makeLargeCrl(site.ca, { count: 40_000, number, include, algorithm: 'PSS-SHA256' }).der)
    renameSync(site.path('next'), site.path('ca.crl'))
  }
  // For what is left out.
  symlinkSync(join(installed(), 'node_modules'), site.path('node_modules'))
  writeFileSync(site.path('revoked.txt'), '*.crl\n')
  putCrl(1, [])
  const child = new Child(t, process.execPath, [file], { env: { ...process.env, NODE_OPTIONS: '', ENDPOINT: site.endpoint() } })
  const [, port] = await child.prints(/listens on (\d+)\./)
  return {
    site,
    port: Number(port),
    revokeMallory: async () => {
      putCrl(2, [serialOf(site.mallory.der)])
      await child.prints(/revocation list reloaded/)
    },
    count: (text) => child.output.split(text).length - 1
  }
}
