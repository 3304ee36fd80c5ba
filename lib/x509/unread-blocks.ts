/**
 * PEM blocks other than certificates in a file of certificates. Each is reported: an ignored certificate or CRL would be a
 * silent gap in security.
 */
import type { PemBlock } from './pem.js'

/** `isMissed`: it holds certificates or CRLs, so the file does not have the effect that it is meant to have. */
interface UnreadBlock {
  readonly line: number
  readonly message: string
  readonly isMissed: boolean
}

/** Labels under which OpenSSL's PEM reader takes a certificate (RFC 7468 section 5.1 names the first and the second). */
const CERTIFICATE_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE'])

/** Labels of blocks with certificates or CRLs, and what to do about them. */
const MISSED: ReadonlyMap<string, string> = new Map([
  ['TRUSTED CERTIFICATE', 'is not read, because of the trust settings of OpenSSL in it. Convert it with openssl x509'],
  ['PKCS7', 'is not read. Write out its certificates with openssl pkcs7 -print_certs'],
  ['PKCS #7 SIGNED DATA', 'is not read. Write out its certificates with openssl pkcs7 -print_certs'],
  ['CMS', 'is not read. Write out its certificates with openssl pkcs7 -print_certs'],
  ['X509 CRL', 'revokes nobody here. Move it to a file of its own that the list of revokedFile names'],
  ['CRL', 'revokes nobody here. Move it to a file of its own that the list of revokedFile names']
])

/** Blocks that are usual in files with a certificate and its key. */
const BESIDE_A_KEY = /^(?:EC|DSA|DH|X9\.42 DH) PARAMETERS$|PRIVATE KEY$/

export function isCertificate ({ label }: PemBlock): boolean {
  return CERTIFICATE_LABELS.has(label)
}

/**
 * @param mayHoldKey whether a private key in the file is expected
 */
export function unreadBlocksOf (blocks: readonly PemBlock[], { mayHoldKey }: { mayHoldKey: boolean }): UnreadBlock[] {
  return blocks.filter((block) => !isCertificate(block) && !(mayHoldKey && BESIDE_A_KEY.test(block.label))).map(({ label, line }) => {
    const capitals = label.toUpperCase()
    if (capitals !== label && (CERTIFICATE_LABELS.has(capitals) || MISSED.has(capitals))) {
      const message = `the block ${label} is not read. Write its label in capitals, at its BEGIN and its END: ${capitals}`
      return { line, isMissed: true, message }
    }
    const missed = MISSED.get(label)
    const message = `the block ${label} ${missed ?? 'has no effect here. Take it out of the file'}`
    return { line, isMissed: missed !== undefined, message }
  })
}
