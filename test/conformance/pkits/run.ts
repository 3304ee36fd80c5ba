/**
 * The sections of the NIST Public Key Interoperability Test Suite (PKITS) that are about revocation,
 * through the public API, beside OpenSSL and pkijs on the same files.
 *
 *     npm run conformance
 *
 * The files come with Debian's python3-cryptography-vectors. A line a case; it fails on a case that has
 * another verdict than PKITS says and is not in exceptions.json, and on one that is there and has not.
 */
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFile, writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Certificate, CertificateChainValidationEngine, CertificateRevocationList, CryptoEngine, setEngine } from 'pkijs'
import { webcrypto } from 'node:crypto'
import { loadRevocations } from '../../../lib/revocation/index.js'

interface Case {
  name: string
  number: string
  valid: boolean
  /** The trust anchor first, the certificate that is asked about last. */
  certs: string[]
  crls: string[]
}

/** Within the validity of everything that is meant to be valid. */
const NOW = new Date('2020-06-01T12:00:00Z')

const run = promisify(execFile)
const here = new URL('../../../../test/conformance/pkits/', import.meta.url)
const cases = JSON.parse(await readFile(new URL('cases.json', here), 'utf8')) as Case[]
const exceptions = JSON.parse(await readFile(new URL('exceptions.json', here), 'utf8')) as Record<string, string>
const { stdout: folder } = await run('/usr/bin/python3', ['-c', 'import cryptography_vectors, os; print(os.path.dirname(cryptography_vectors.__file__), end="")'])
const data = join(folder, 'x509', 'PKITS_data')
const scratch = await mkdtemp(join(tmpdir(), 'pkits-'))

interface Verdict {
  isGood: boolean
  why: string
}

async function judgeOurselves ({ certs, crls }: Case): Promise<Verdict> {
  const certificates = await Promise.all(certs.map(readCertificate))
  const chain = chainOf(certificates)
  try {
    const set = await loadRevocations({ patterns: crls.map((name) => join(data, 'crls', `${name}.crl`)), authorities: certificates.slice(0, -1), now: NOW })
    const status = set.status(chain, { unknownStatus: 'deny', expiredCrl: 'deny' })
    return { isGood: status.status === 'good', why: status.status === 'revoked' ? `revoked (${status.reason ?? 'no reason'})` : status.status }
  } catch (thrown) {
    return { isGood: false, why: (thrown as { code: string }).code }
  }
}

async function judgeByOpenssl ({ certs, crls }: Case): Promise<Verdict> {
  const [anchor, ...others] = await Promise.all(certs.map(async (name) => (await readCertificate(name)).toString()))
  const leaf = others.pop()
  const lists = await Promise.all(crls.map(async (name) => pemOf('X509 CRL', await readFile(join(data, 'crls', `${name}.crl`)))))
  const files = { anchor, others: others.join(''), leaf, lists: lists.join('') }
  for (const [name, content] of Object.entries(files)) await writeFile(join(scratch, name), content ?? '')
  const untrusted = others.length === 0 ? [] : ['-untrusted', join(scratch, 'others')]
  return await run('openssl', [
    'verify', '-attime', String(NOW.getTime() / 1000), '-crl_check_all', '-extended_crl', '-use_deltas', '-no-CApath', '-CAfile', join(scratch, 'anchor'),
    ...untrusted, '-CRLfile', join(scratch, 'lists'), join(scratch, 'leaf')
  ]).then(() => ({ isGood: true, why: 'good' }), ({ stderr }) => ({ isGood: false, why: /error \d+[^:]*: (.*)/.exec(stderr)?.[1] ?? 'refused' }))
}

async function judgeByPkijs ({ certs, crls }: Case): Promise<Verdict> {
  try {
    const [anchor, ...others] = (await Promise.all(certs.map(readCertificate))).map(({ raw }) => Certificate.fromBER(raw))
    const lists = await Promise.all(crls.map(async (name) => CertificateRevocationList.fromBER(await readFile(join(data, 'crls', `${name}.crl`)))))
    // The certificate that is asked about comes last.
    const engine = new CertificateChainValidationEngine({ trustedCerts: [anchor as Certificate], certs: others, crls: lists, checkDate: NOW })
    const { result, resultMessage } = await engine.verify()
    return { isGood: result, why: resultMessage }
  } catch (thrown) {
    return { isGood: false, why: String(thrown) }
  }
}

async function readCertificate (name: string): Promise<X509Certificate> {
  return new X509Certificate(await readFile(join(data, 'certs', `${name}.crt`)))
}

/** From the last certificate as far up as it goes, without the anchor, which is the first. */
function chainOf ([anchor, ...others]: X509Certificate[]): X509Certificate[] {
  const chain = [others.pop() as X509Certificate]
  for (;;) {
    const last = chain.at(-1) as X509Certificate
    if (last.checkIssued(anchor as X509Certificate) && last.verify((anchor as X509Certificate).publicKey)) return chain
    const issuer = others.find((other) => last.checkIssued(other) && last.verify(other.publicKey))
    if (issuer === undefined) return chain
    chain.push(issuer)
  }
}

function pemOf (label: string, der: Buffer): string {
  return `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`
}

setEngine('node', new CryptoEngine({ name: 'node', crypto: webcrypto as never }))
const peers = { 'fastify-endpoint': judgeOurselves, OpenSSL: judgeByOpenssl, pkijs: judgeByPkijs }
const counters = Object.fromEntries(Object.keys(peers).map((name) => [name, { right: 0, accepted: [] as string[], refused: [] as string[] }]))
const wrong: string[] = []
for (const one of cases) {
  for (const [peer, judge] of Object.entries(peers)) {
    const { isGood, why } = await judge(one)
    const row = counters[peer] as (typeof counters)[string]
    if (isGood === one.valid) row.right++
    else (isGood ? row.accepted : row.refused).push(one.number)
    if (peer !== 'fastify-endpoint') continue
    const isRight = isGood === one.valid
    console.log(`${isRight ? 'ok  ' : 'FAIL'} ${one.number.padEnd(7)} ${one.name.padEnd(52)} ${one.valid ? 'valid  ' : 'invalid'} ${why}`)
    if (isRight === one.number in exceptions) wrong.push(one.number)
  }
}
await rm(scratch, { recursive: true })

console.log(`\n| | right, of ${cases.length} | falsely accepted | falsely refused |\n|---|---|---|---|`)
for (const [peer, { right, accepted, refused }] of Object.entries(counters)) {
  console.log(`| ${peer} | ${right} | ${accepted.length}${listOf(accepted)} | ${refused.length}${listOf(refused)} |`)
}
if (wrong.length > 0) {
  console.error(`\nNot as PKITS and exceptions.json say: ${wrong.join(', ')}`)
  process.exitCode = 1
}

function listOf (numbers: string[]): string {
  return numbers.length === 0 ? '' : `: ${numbers.join(', ')}`
}
