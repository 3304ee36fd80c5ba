/** Describes certificates and chains for people, and warns of their problems. */
import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import type { CheckedCertificate, CheckedChain } from '../../../types/command-line.js'
import { stageOf } from '../../watching/expiry-warnings.js'
import { LAST_PART_OF_CERTIFICATE } from '../../tls/credentials-view.js'
import { describePublicKey, isSignedBy, readPublicKey } from '../../x509/public-key.js'
import { oneLineName, titleOf } from '../../x509/title.js'
import { visible } from '../../text/printable.js'
import { weakHashOf } from '../../x509/strength.js'
import type { Findings } from './findings.js'

const DAY = 24 * 60 * 60 * 1000

/** @param now milliseconds since 1970 */
export function describeCertificate (certificate: X509Certificate, file: string, now: number): CheckedCertificate {
  return {
    file,
    subject: oneLineName(certificate.subject),
    names: certificate.subjectAltName?.split(', ') ?? [],
    issuer: oneLineName(certificate.issuer),
    serial: certificate.serialNumber.toLowerCase(),
    keyType: describePublicKey(readPublicKey(certificate.raw)),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
    daysLeft: Math.floor((Date.parse(certificate.validTo) - now) / DAY),
    isSelfSigned: isSelfSigned(certificate)
  }
}

function isSelfSigned (certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate)
}

/** By name and by signature. */
export function isIssuedBy (certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && isSignedBy(certificate, issuer)
}

/** Where a certificate is, for its warnings. */
export interface Place {
  readonly argument: string
  readonly file: string
  /** Whether one side already trusts it as an authority; then its signature does not count. */
  readonly isTrusted: boolean
}

/** Finds problems of a single certificate. */
export function reviewCertificate (
  certificate: X509Certificate, { argument, file, isTrusted }: Place, now: number, findings: Findings
): void {
  const begins = Date.parse(certificate.validFrom)
  const ends = Date.parse(certificate.validTo)
  const where = { argument, file }
  const subject = `the certificate of ${titleOf(certificate)}`
  const date = (time: number): string => new Date(time).toISOString().slice(0, 10)
  switch (stageOf({ begins, ends }, LAST_PART_OF_CERTIFICATE, now)) {
    case 'over': findings.warn('expiry', `${subject} expired on ${date(ends)}: renew it`, where); break
    case 'soon': findings.warn('expiry', `${subject} expires on ${date(ends)}: renew it`, where); break
    default: if (begins > now) findings.warn('expiry', `${subject} is not valid before ${date(begins)}: check the clock, or wait`, where)
  }
  const key = readPublicKey(certificate.raw)
  if ((key.size ?? Infinity) < SHORTEST_RSA || key.type === 'dsa') {
    findings.warn(
      'weak',
      `${subject} has a weak key (${describePublicKey(key)}): use an EC P-256 key, or RSA with at least 2048 bits`,
      where
    )
  }
  const hash = isTrusted ? undefined : weakHashOf(certificate.raw)
  if (hash !== undefined) {
    findings.warn('weak', `${subject} is signed with ${hash}, which can be forged: have it reissued with SHA-256`, where)
  }
}

const SHORTEST_RSA = 2048

/** Self-signed certificates that clients probably trust: those of the endpoint's authorities, and the roots of Node. */
export class KnownRoots {
  readonly #own: readonly X509Certificate[]
  /** By their names; read on first use, since there are more than a hundred. */
  #public: Map<string, X509Certificate[]> | undefined

  constructor (own: readonly X509Certificate[]) {
    this.#own = own
  }

  /** Whether one of them has issued a certificate. */
  haveIssued (certificate: X509Certificate): boolean {
    return this.#own.some((root) => isIssuedBy(certificate, root)) ||
      this.#publicRootsOf(certificate.issuer).some((root) => isIssuedBy(certificate, root))
  }

  #publicRootsOf (name: string): readonly X509Certificate[] {
    this.#public ??= byName(rootCertificates)
    return this.#public.get(name) ?? []
  }
}

function byName (roots: readonly string[]): Map<string, X509Certificate[]> {
  const groups = new Map<string, X509Certificate[]>()
  for (const pem of roots) {
    const root = new X509Certificate(pem)
    groups.set(root.subject, [...groups.get(root.subject) ?? [], root])
  }
  return groups
}

/** Where the chain that a server sends ends. */
export function describeChain (chain: readonly X509Certificate[], roots: KnownRoots): CheckedChain {
  const last = chain.at(-1) as X509Certificate
  const isOrdered = chain.every((certificate, index) => index === 0 || isIssuedBy(chain[index - 1] as X509Certificate, certificate))
  if (isSelfSigned(last)) return { isOrdered, isWhole: isOrdered }
  return { isOrdered, isWhole: isOrdered && roots.haveIssued(last), issuer: oneLineName(last.issuer) }
}

/** Finds problems of a chain that may make clients reject it. */
export function reviewChain (
  chain: readonly X509Certificate[], { isOrdered, isWhole, issuer }: CheckedChain,
  where: { argument: string, file: string }, findings: Findings
): void {
  const [leaf] = chain as [X509Certificate, ...X509Certificate[]]
  if (!isOrdered) {
    findings.warn(
      'unfit',
      'the chain is out of order: put the server certificate first, then its issuer, and so on, and remove what does not belong to it',
      where
    )
  } else if (!isWhole && leaf.infoAccess?.includes('CA Issuers') === true && issuer !== undefined) {
    // Public intermediates name the address of their issuer's certificate; private authorities
    // rarely do.
    findings.warn(
      'unfit',
      `the chain lacks the certificate of ${visible(issuer)}, which clients may not have: append it, as in the "full ` +
        'chain" of the authority',
      where
    )
  }
}
