import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { makeCrl } from '../support/crl.js'
import { makeSite } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const run = promisify(execFile)
const moduleOf = (path: string): string => JSON.stringify(new URL(`../../${path}`, import.meta.url).href)

/** The output of a process that cannot load the libraries. */
async function resultOf (body: string): Promise<string> {
  const hooks = 'export async function resolve (specifier, context, next) {' +
    " if (specifier === 'pkijs' || specifier === 'asn1js') throw new Error('a library was loaded'); return await next(specifier, context) }"
  const program = `import { register } from 'node:module'
    import { X509Certificate } from 'node:crypto'
    import { readFileSync } from 'node:fs'
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)})
    ${body}`
  const { stdout } = await run(process.execPath, [...process.execArgv, '--input-type=module', '--eval', program], { timeout: 60_000 })
  return stdout.trim()
}

t.test('an endpoint with mutual TLS whose list names no CRL loads no ASN.1 library', async (t) => {
  const site = await makeSite(t)
  await site.revoke('alice.pem')
  t.equal(await resultOf(`const { default: Fastify } = await import('fastify')
    const { default: endpoint, serverFactory } = await import(${moduleOf('lib/index.ts')})
    const app = Fastify({ serverFactory })
    await app.register(endpoint, { endpoint: ${JSON.stringify(site.endpoint())} })
    await app.listen()
    console.log(app.addresses().length)
    await app.close()`), '1')
})

t.test('CRLs with usual or rejected signatures load no ASN.1 library, and RSASSA-PSS does', async (t) => {
  const root = await createAuthority({ keyAlgorithm: 'RSA-2048' })
  const folder = makeTestFolder(t, { 'ca.pem': root.certificate })
  for (const algorithm of ['RSA-SHA256', 'RSA-SHA1', 'PSS-SHA256'] as const) {
    writeFileSync(`${folder}/${algorithm}.crl`, makeCrl(root, { algorithm, entries: [{ serial: '05' }] }).der)
  }
  const load = async (algorithm: string): Promise<string> => await resultOf(`const { loadRevocations } = await import(${moduleOf('lib/revocation/index.ts')})
    const authorities = [new X509Certificate(readFileSync(${JSON.stringify(`${folder}/ca.pem`)}))]
    console.log(await loadRevocations({ patterns: [${JSON.stringify(`${folder}/${algorithm}.crl`)}], authorities }).then(({ size }) => size, ({ message }) => message))`)
  t.equal(await load('RSA-SHA256'), '1')
  t.match(await load('RSA-SHA1'), /signed with SHA-1/)
  t.match(await load('PSS-SHA256'), /a library was loaded/)
})
