/**
 * A certificate in the form of Node's `tlsSocket.getPeerCertificate()`, made from its DER.
 *
 * Node's own call cannot be used on a client's certificate. On some versions it leaks memory for each
 * certificate, and on others it ends the process if the key is on a curve without a NIST name. So the
 * key is read here, and OpenSSL is asked only for the parts that do not involve the key.
 */
import type { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls'
import { readCertificate } from './der.js'
import { keyFields } from './key-fields.js'

/** One certificate in Node's form. Each call makes a new object, which the app may change. */
export function legacyCertificate (x509: X509Certificate): PeerCertificate {
  const { subjectAltName, infoAccess, keyUsage } = x509
  const { subjectPublicKeyInfo: { start, end } } = readCertificate(x509.raw)
  return {
    subject: nameObject(x509.subject),
    issuer: nameObject(x509.issuer),
    ...(subjectAltName !== undefined && { subjectaltname: subjectAltName }),
    ...(infoAccess !== undefined && { infoAccess: accessOf(infoAccess) }),
    ca: x509.ca,
    ...keyFields(x509.raw.subarray(start, end)),
    valid_from: x509.validFrom,
    valid_to: x509.validTo,
    fingerprint: x509.fingerprint,
    fingerprint256: x509.fingerprint256,
    fingerprint512: x509.fingerprint512,
    // As in Node, but not in its documentation, the property is missing if the extension is.
    ...(keyUsage !== undefined && { ext_key_usage: [...keyUsage] }),
    serialNumber: x509.serialNumber,
    raw: Buffer.from(x509.raw)
  } as unknown as PeerCertificate
}

/**
 * A path in Node's form: each certificate with its issuer; a self-signed one at the end is its own
 * issuer.
 * @param path the leaf first
 */
export function legacyPath (path: readonly [X509Certificate, ...X509Certificate[]]): DetailedPeerCertificate {
  const certificates = path.map((x509) => legacyCertificate(x509) as DetailedPeerCertificate)
  const [leaf, ...issuers] = certificates as [DetailedPeerCertificate, ...DetailedPeerCertificate[]]
  let below = leaf
  for (const issuer of issuers) below = below.issuerCertificate = issuer
  const last = path.at(-1) as X509Certificate
  if (last.checkIssued(last)) below.issuerCertificate = below
  return leaf
}

type Names = Record<string, string | string[]>

/**
 * A name as an object. Its keys are the short names of the attributes, or their numbers in dotted decimal. A
 * value is an array if the attribute occurs several times.
 * @param text as X509Certificate gives it, undefined for an empty name; OpenSSL has escaped everything that could look
 *   like the end of a value
 */
function nameObject (text: string | undefined): Names {
  const names: Names = Object.create(null)
  if (text === undefined || text === '') return names
  for (const attribute of text.split(/\n| \+ /)) {
    const equals = attribute.indexOf('=')
    append(names, attribute.slice(0, equals), unescape(attribute.slice(equals + 1)))
  }
  return names
}

function append (names: Names, key: string, value: string): void {
  const before = names[key]
  names[key] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value]
}

/** Undoes the escapes of RFC 2253 section 2.4. */
function unescape (value: string): string {
  return value.replace(/\\(?:([0-9A-Fa-f]{2})|(.))/gs, (_all, hex: string | undefined, character: string) =>
    hex === undefined ? character : String.fromCharCode(parseInt(hex, 16)))
}

/**
 * The addresses in the extension authorityInfoAccess, by kind.
 * @param text as X509Certificate gives it: one line for each; a value in quotes is JSON
 */
function accessOf (text: string): Record<string, string[]> {
  const access: Record<string, string[]> = Object.create(null)
  for (const [, key, value] of text.matchAll(/([^\n:]*):([^\n]*)(?:\n|$)/g) as Iterable<[string, string, string]>) {
    (access[key] ??= []).push(value.startsWith('"') ? unquote(value) : value)
  }
  return access
}

function unquote (value: string): string {
  try {
    return JSON.parse(value) as string
  } catch {
    return value
  }
}
