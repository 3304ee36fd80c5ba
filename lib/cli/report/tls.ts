/** Describes the TLS of an endpoint: what clients can negotiate, and with which certificates. */
import type { X509Certificate } from 'node:crypto'
import type { CheckedCertificate, CheckedKey, CheckedTls } from '../../../types/command-line.js'
import type { TlsEndpoint } from '../../../types/endpoint.js'
import { allowedVersions, type SecuredEndpoint, type UnwrappedEndpoint } from '../../description/index.js'
import type { CheckedOrders } from './acme.js'
import { reasonOf } from '../../errors.js'
import { type CredentialFiles, type PairFiles, pairPathsOf } from '../../tls/credential-files.js'
import { type Credentials, readCredentials, warningsOfCredentials } from '../../tls/credentials.js'
import { checkNode } from '../../tls/undocumented.js'
import { FileReader } from '../../tls/file-reader.js'
import { describePrivateKey } from '../../x509/public-key.js'
import { titleOf } from '../../x509/title.js'
import { describeAllowed } from './allowed.js'
import { describeCertificate, describeChain, KnownRoots, reviewCertificate, reviewChain } from './certificates.js'
import { reviewSecret, reviewTrusted } from './exposure.js'
import type { Findings } from './findings.js'
import { type NegotiableVersion, negotiableVersions } from './negotiation.js'
import { describeRevocation } from './revocation.js'

/** An `ssl:` endpoint always has these values. */
const WITHOUT_CLIENTS = { alpn: ['http/1.1'], handshakeTimeout: 10, verify: 'none' } as const

/**
 * @param now milliseconds since 1970
 * @param app all endpoints that are checked, and whether directories of ACME are asked
 */
export async function describeTls (endpoint: SecuredEndpoint, now: number, app: CheckedApp, findings: Findings): Promise<CheckedTls> {
  const orders = endpoint.type === 'tls' && endpoint.acme !== undefined ? await describeAcme(endpoint, app, now, findings) : undefined
  const { files, names, credentials, problems } = await readCredentials(endpoint, new FileReader().reader(), undefined, orders?.source)
  for (const problem of problems) findings.take(problem)
  try {
    checkNode()
  } catch (thrown) {
    findings.take(thrown)
  }
  const { alpn, handshakeTimeout, verify } = endpoint.type === 'tls' ? endpoint : WITHOUT_CLIENTS
  const roots = new KnownRoots(files.authorities.all.filter(({ isAnchor }) => isAnchor).map(({ x509 }) => x509))
  const review = (argument: string, file: string, chain: readonly X509Certificate[]): CheckedCertificate[] => chain.map((x509) => {
    reviewCertificate(x509, { argument, file, isTrusted: x509.subject === x509.issuer }, now, findings)
    return describeCertificate(x509, file, now)
  })
  const certificates = files.pairs.flatMap(({ certKey, chain }) => review('certKey', certKey, chain))
  if (endpoint.extraCertChain !== undefined) certificates.push(...review('extraCertChain', endpoint.extraCertChain, files.extra))
  if (orders !== undefined) certificates.push(...review('acme', orders.acme.file, orders.source.current()?.chain ?? []))
  const [chain] = files.pairs.flatMap(({ certKey, chain }) => {
    const sent = [...chain, ...files.extra]
    if (sent.length === 0) return []
    const described = describeChain(sent, roots)
    reviewChain(sent, described, { argument: 'certKey', file: certKey }, findings)
    return [described]
  })
  const named = names === undefined
    ? undefined
    : [...names.pairs].flatMap(([name, { files }]) => files.map(({ file, chain }) => {
        const described = describeChain(chain, roots)
        reviewChain(chain, described, { argument: 'sni', file }, findings)
        return { name, file, certificates: review('sni', file, chain), chain: described }
      }))
  const authorities = endpoint.type === 'tls' && endpoint.authorities !== undefined
    ? review('authorities', endpoint.authorities, files.authorities.all.map(({ x509 }) => x509))
    : []
  await reviewFiles(endpoint, named?.map(({ file }) => file) ?? [], findings)
  reviewAuthorities(files, findings)
  // Otherwise the credentials report them.
  if (credentials === undefined) findings.add(files.warnings)
  // Without a certificate yet, nothing can be negotiated, and that is no mistake.
  const hasPairs = credentials !== undefined && credentials.own.pairs.length > 0
  const versions = hasPairs ? await negotiate(endpoint, credentials, findings) : undefined
  const [privateKey, ...otherKeys] = files.pairs.flatMap((pair) => describeKey(pair) ?? [])
  const revocation = isRevoking(endpoint) ? await describeRevocation(endpoint, files.authorities, now, findings) : undefined
  const { allowedFile, revokedFile } = endpoint.type === 'tls' ? endpoint : {}
  const allowed = allowedFile === undefined ? undefined : await describeAllowed(allowedFile, revokedFile, files.authorities, findings)
  return {
    ...(versions !== undefined && { versions }),
    alpn,
    handshakeTimeout,
    clientCertificates: verify,
    ...(privateKey !== undefined && { privateKey }),
    ...(otherKeys.length > 0 && { otherKeys }),
    certificates,
    ...(chain !== undefined && { chain }),
    ...(named !== undefined && { names: named }),
    authorities,
    ...(revocation !== undefined && { revocation }),
    ...(allowed !== undefined && { allowed }),
    ...(orders !== undefined && { acme: orders.acme })
  }
}

/** What is checked together. */
interface CheckedApp {
  readonly endpoints: readonly UnwrappedEndpoint[]
  readonly isOnline: boolean
}

/** Loaded for endpoints with `acme` only. */
async function describeAcme (
  endpoint: TlsEndpoint, { endpoints, isOnline }: CheckedApp, now: number, findings: Findings
): Promise<CheckedOrders> {
  const { describeOrders } = await import('./acme.js')
  return await describeOrders(endpoint, { endpoints, isOnline, now }, findings)
}

function isRevoking (endpoint: SecuredEndpoint): endpoint is TlsEndpoint & { revokedFile: string } {
  return endpoint.type === 'tls' && endpoint.revokedFile !== undefined
}

function describeKey ({ privateKey: file, key, chain: [first] }: PairFiles): CheckedKey | undefined {
  return key === undefined
    ? undefined
    : { file, type: describePrivateKey(key), ...(first !== undefined && { fits: first.checkPrivateKey(key) }) }
}

async function negotiate (
  endpoint: SecuredEndpoint, credentials: Credentials, findings: Findings
): Promise<readonly NegotiableVersion[] | undefined> {
  const { context, deprecated } = credentials
  findings.add(warningsOfCredentials(credentials))
  if (deprecated.length > 0) {
    findings.warn(
      'weak',
      `${deprecated.join(' and ')} can be negotiated, which RFC 8996 forbids, and which sets OpenSSL's security level ` +
        'to 0 for all clients: remove them from sslmethod as soon as no client needs them',
      { argument: 'sslmethod' }
    )
  }
  try {
    const versions = await negotiableVersions(context, allowedVersions(endpoint.sslmethod))
    for (const { version, ciphers } of versions) {
      const weak = ciphers.filter((name) => WEAK_CIPHERS.test(name))
      if (weak.length > 0) {
        findings.warn(
          'weak', `${weak.join(', ')} can be negotiated with ${version}, and can be broken: remove them from ciphers`,
          { argument: 'ciphers' }
        )
      }
    }
    return versions
  } catch (thrown) {
    findings.warn('unfit', `the versions and ciphers could not be determined (${reasonOf(thrown)})`)
    return undefined
  }
}

/** Ciphers without encryption or authentication, those that OpenSSL calls low or export, and 3DES because of its short blocks. */
const WEAK_CIPHERS = /NULL|^A(?:EC)?DH-|RC4|RC2|\bDES\b|DES-CBC|EXP|MD5|IDEA|SEED/

/** An authority from which no path leads to an anchor has no effect. */
function reviewAuthorities ({ authorities }: CredentialFiles, findings: Findings): void {
  for (const [{ x509 }, anchors] of authorities.reachedAnchors()) {
    if (anchors.size > 0) continue
    findings.warn(
      'no-effect',
      `${titleOf(x509)} has no path to a self-signed certificate of the file, so it admits no client: add the authorities above it`,
      { argument: 'authorities', file: authorities.file }
    )
  }
}

async function reviewFiles (endpoint: SecuredEndpoint, named: readonly string[], findings: Findings): Promise<void> {
  for (const { privateKey } of pairPathsOf(endpoint)) await reviewSecret('privateKey', privateKey, findings)
  if (endpoint.privateKeyPassphraseFile !== undefined) {
    await reviewSecret('privateKeyPassphraseFile', endpoint.privateKeyPassphraseFile, findings)
  }
  for (const file of named) await reviewSecret('sni', file, findings)
  if (endpoint.type === 'tls' && endpoint.authorities !== undefined) await reviewTrusted('authorities', endpoint.authorities, findings)
}
