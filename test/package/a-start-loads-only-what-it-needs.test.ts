import t, { type Test } from 'tap'
import { installed } from '../support/installed.js'
import { makeSite } from '../support/mutual-tls.js'
import { run, withoutTap } from '../support/programs.js'

/** Prints the URL of each module that is loaded. */
const PRINTER = `
import { writeSync } from 'node:fs'
export async function load (url, context, next) {
  writeSync(1, 'loads ' + url + '\\n')
  return await next(url, context)
}`
const PRELOADED = `
import { register } from 'node:module'
register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(PRINTER)}))`

const APP = `
import Fastify from 'fastify'
import endpoint, { serverFactory } from 'fastify-endpoint'
const app = Fastify({ serverFactory })
await app.register(endpoint, process.env.STRING === undefined ? {} : { endpoint: process.env.STRING })
await app.listen()
await app.close()`

/** The packages, and the files of this one, that are loaded until an app has listened and closed. */
async function loadedBy (t: Test, env: Record<string, string>): Promise<Set<string>> {
  const [command = '', ...args] = withoutTap([process.execPath, '--import', `data:text/javascript,${encodeURIComponent(PRELOADED)}`, '--input-type=module', '--eval', APP])
  const { status, stdout, stderr } = await run(command, args, { cwd: installed(), env: { PATH: process.env['PATH'], ...env } })
  t.equal(status, 0, stderr)
  const urls = [...stdout.matchAll(/^loads (.*)$/gm)].map(([, url]) => url as string)
  return new Set(urls.map((url) => /node_modules\/fastify-endpoint\/dist\/bundle\/(.*)$/.exec(url)?.[1] ?? /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? url))
}

const OPTIONAL = ['@fastify/env', 'glob', 'pkijs', 'asn1js', 'ioredis', 'prom-client', 'metrics.js']
const OF_TLS = ['tls.js', 'revocations.js', 'reading.js', 'node:zlib']

t.test('an app on TCP loads nothing for TLS or revocation, and no package that it does not use', async (t) => {
  const loaded = await loadedBy(t, { STRING: 'tcp:0:interface=127.0.0.1' })
  t.ok(loaded.has('server.js'))
  t.same([...OPTIONAL, ...OF_TLS].filter((name) => loaded.has(name)), [])
})

t.test('an app behind mutual TLS with a list of one certificate loads no package that it does not use', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const loaded = await loadedBy(t, { STRING: site.endpoint() })
  t.ok(loaded.has('tls.js'))
  t.same(OPTIONAL.filter((name) => loaded.has(name)), [])
})

t.test('@fastify/env is loaded if the environment decides, and glob with the first pattern', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory*.pem')
  const loaded = await loadedBy(t, { ENDPOINT: site.endpoint() })
  t.same(OPTIONAL.filter((name) => loaded.has(name)), ['@fastify/env', 'glob'])
})
