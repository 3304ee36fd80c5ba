/** Keys of every kind, sound and broken: OpenSSL is used only with keys that can prove something. */
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { describePublicKey, isSignedBy, publicKeyOf, readPublicKey, readPublicKeyInfo } from '../../lib/x509/public-key.js'
import { hostileKeys, pemOf, spkiOf, withKey } from '../support/hostile-keys.js'
import { oid } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'

const authority = await createAuthority({ name: 'Test CA' })

/** Node's view of the authority with another key; undefined where OpenSSL does not even read the certificate. */
function authorityWith (spki: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(pemOf(withKey(authority.der, spki)))
  } catch {
    return undefined
  }
}

t.test('OpenSSL checks signatures with sound keys only', async (t) => {
  for (const { name, spki, isSound } of hostileKeys()) {
    const certificate = authorityWith(spki)
    if (certificate === undefined) {
      if (readPublicKey(withKey(authority.der, spki)).problem === undefined) t.fail(`${name}: OpenSSL does not read it`)
      continue
    }
    if (outcomeOf(certificate) !== (isSound ? 'usable' : 'FST_ENDPOINT_PUBLIC_KEY')) t.fail(`${name}: ${outcomeOf(certificate)}`)
    if (isSignedBy(authority.x509, certificate)) t.fail(`${name} has signed what it has not`)
  }
})

function outcomeOf (certificate: X509Certificate): string | undefined {
  try {
    return publicKeyOf(certificate).type === 'public' ? 'usable' : undefined
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code
  }
}

t.test('a sound key is described by its kind and size, and its signatures are valid', async (t) => {
  t.strictSame(readPublicKey(authority.der), { type: 'ec', curve: 'prime256v1' })
  t.equal(describePublicKey(readPublicKey(authority.der)), 'EC P-256')
  t.ok(isSignedBy(authority.x509, authority.x509))
})

t.test('a broken key is described with its kind and with the problem', async (t) => {
  const infinity = spkiOf([oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')], Buffer.of(0))
  t.equal(infinity.toString('hex'), '3019301306072a8648ce3d020106082a8648ce3d03010703020000')
  t.equal(describePublicKey(readPublicKeyInfo(infinity)), 'EC P-256 (cannot be used: it is the point at infinity)')
  t.match(describePublicKey(readPublicKeyInfo(spkiOf([oid('1.2.643.7.1.1.1.1')], Buffer.of(5)))), /^key of the kind 1\.2\.643\.7\.1\.1\.1\.1 \(cannot be used: /)
})

t.test('bytes of any kind are described, and never throw', async (t) => {
  for (const { name, spki } of hostileKeys()) {
    for (let length = 0; length < Math.min(spki.length, 64); length++) if (readPublicKeyInfo(spki.subarray(0, length)).problem === undefined) t.fail(`${name}, cut after ${length} bytes`)
    for (let place = 0; place < Math.min(spki.length, 64); place++) {
      const changed = Buffer.from(spki)
      changed[place] = (changed[place] as number) ^ 0xff
      readPublicKeyInfo(changed)
    }
  }
  t.type(readPublicKey(Buffer.alloc(0)).problem, 'string')
  t.type(readPublicKeyInfo(element(0x30)).problem, 'string')
})
