/**
 * A stranger can send a certificate that only OpenSSL reads. It is rejected and logged, and does no
 * harm.
 */
import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import t from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { element } from '../support/pki.js'

const ECDSA_WITH_SHA256 = element(0x30, Buffer.from('06082a8648ce3d040302', 'hex'))
const VERSION_3 = element(0xa0, element(0x02, Buffer.of(2)))
const EMPTY_NAME = element(0x30)
const NAMED = element(0x30, element(0x31, element(0x30, Buffer.from('0603550403', 'hex'), element(0x0c, Buffer.from('stranger')))))
const VALIDITY = element(0x30, element(0x17, Buffer.from('200101000000Z')), element(0x17, Buffer.from('400101000000Z')))

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const SPKI = publicKey.export({ type: 'spki', format: 'der' })

/** BER with an indefinite length (X.690 section 8.1.3.6), which OpenSSL takes. */
function indefinite (tag: number, ...contents: Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.of(tag, 0x80), ...contents, Buffer.of(0, 0)])
}

function selfSigned (tbs: Buffer): { chain: string, key: string } {
  const signature = sign('sha256', tbs, privateKey)
  const der = element(0x30, tbs, ECDSA_WITH_SHA256, element(0x03, Buffer.of(0), signature))
  return { chain: `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}

const serial = (length = 1): Buffer => element(0x02, Buffer.alloc(length, 0x5a))

for (const [title, tbs] of [
  ['empty names', element(0x30, VERSION_3, serial(), ECDSA_WITH_SHA256, EMPTY_NAME, VALIDITY, EMPTY_NAME, SPKI)],
  ['an indefinite length of the signed part', indefinite(0x30, VERSION_3, serial(), ECDSA_WITH_SHA256, NAMED, VALIDITY, NAMED, SPKI)],
  ['an indefinite length of its version', element(0x30, indefinite(0xa0, element(0x02, Buffer.of(2))), serial(), ECDSA_WITH_SHA256, NAMED, VALIDITY, NAMED, SPKI)],
  ['a serial number of 40,000 bytes', element(0x30, VERSION_3, serial(40_000), ECDSA_WITH_SHA256, NAMED, VALIDITY, NAMED, SPKI)]
] as const) {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    t.test(`a self-made certificate with ${title} is rejected with an alert and a short log line (${version})`, async (t) => {
      const site = await makeSite(t)
      const log = new LogCapture()
      const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
      const stranger = selfSigned(tbs)
      t.ok(new X509Certificate(stranger.chain), 'OpenSSL reads it')
      t.match(await alertSeenByNode({ port }, { ...asClient(site, stranger), minVersion: version, maxVersion: version }), /^[a-z]+_[a-z_]+$/)
      t.ok(JSON.stringify(await log.line('client rejected')).length < 2000)
      t.equal((await get(port, asClient(site, site.alice))).status, 200, 'others are served')
    })
  }
}
