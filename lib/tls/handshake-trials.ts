/**
 * Tries credentials before they take effect: one handshake in memory for each version that the endpoint allows and each kind
 * of key. It asks for client certificates if the endpoint does.
 */
import type { X509Certificate } from 'node:crypto'
import type { SecureContext } from 'node:tls'
import { allowedVersions, type SecuredEndpoint } from '../description/index.js'
import { errors, located, reasonOf } from '../errors.js'
import { readCertificate, readElement } from '../x509/der.js'
import { readPublicKey } from '../x509/public-key.js'
import type { CheckWarning } from '../../types/command-line.js'
import type { TlsVersion } from '../../types/endpoint.js'
import type { Authorities } from '../x509/authorities.js'
import type { SentPair } from './key-pair.js'
import { tryHandshake } from './trial-handshake.js'

/** `problem` if no version can be negotiated; warnings about single versions. */
interface TrialOutcome {
  readonly problem?: Error
  readonly warnings: readonly CheckWarning[]
}

/** The most bytes of `certificate_authorities` in a CertificateRequest (RFC 8446 section 4.2.4, RFC 5246 section 7.4.4). */
const MOST_NAME_BYTES = 65_535

export class HandshakeTrials {
  readonly #versions: readonly TlsVersion[]
  /** The argument to change if a version cannot be negotiated. */
  readonly #argument: string
  readonly #authorities: Authorities
  /** Results by kind of key. Everything else is the same in all contexts that are tried here. */
  readonly #results = new Map<string, Promise<Array<Error | undefined>>>()

  constructor (endpoint: SecuredEndpoint, authorities: Authorities) {
    this.#versions = allowedVersions(endpoint.sslmethod)
    this.#argument = endpoint.type === 'tls' ? 'ciphers' : 'sslmethod'
    this.#authorities = authorities
  }

  /**
   * Tries each pair of a context.
   * @param argument the argument of the endpoint string that names the files of the pairs
   */
  async of (context: SecureContext, pairs: readonly SentPair[], argument: string): Promise<TrialOutcome> {
    const errors = await Promise.all(pairs.map(async (pair) => {
      return { pair, ofVersions: await this.#errorsOf(context, pair, pairs.length > 1) }
    }))
    for (const { pair: { file }, ofVersions } of errors) {
      const [first] = ofVersions
      if (first !== undefined && !ofVersions.includes(undefined)) return { problem: this.#problemOf(first, argument, file), warnings: [] }
    }
    const warnings = this.#versions.flatMap((version, index) => {
      const ofPairs = errors.map(({ ofVersions }) => ofVersions[index])
      const [first] = ofPairs
      if (first === undefined || ofPairs.includes(undefined)) return []
      return [{
        kind: 'no-effect' as const,
        message: `${version} is allowed, but no client can negotiate it (${reasonOfTrial(first)}): check ciphers and sslmethod`,
        argument: this.#argument
      }]
    })
    return { warnings }
  }

  /** @throws FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE if one of the pairs can negotiate no version */
  async demand (context: SecureContext, pairs: readonly SentPair[], argument: string): Promise<void> {
    const { problem } = await this.of(context, pairs, argument)
    if (problem !== undefined) throw problem
  }

  /** For each version, why it cannot be negotiated; undefined if it can. */
  async #errorsOf (context: SecureContext, { chain: [leaf] }: SentPair, isOneOfSeveral: boolean): Promise<Array<Error | undefined>> {
    const { raw } = leaf as X509Certificate
    const kind = `${kindOf(raw)} ${isOneOfSeveral}`
    const earlier = this.#results.get(kind)
    if (earlier !== undefined) return await earlier
    const requestCert = this.#authorities.all.length > 0
    // Otherwise the server would choose a pair by its own preference.
    const signedBy = isOneOfSeveral ? readPublicKey(raw).type : undefined
    const results = Promise.all(this.#versions.map(async (version) => {
      const result = await tryHandshake(context, { version, requestCert, signedBy })
      return 'error' in result ? result.error : undefined
    }))
    this.#results.set(kind, results)
    return await results
  }

  #problemOf (error: Error, argument: string, file: string): Error {
    const { all, file: own } = this.#authorities
    const bytes = all.reduce((sum, { x509 }) => sum + 2 + lengthOfName(x509), 0)
    // TLS 1.3 has a little less room: other extensions share it.
    if (bytes > MOST_NAME_BYTES - 1000) {
      const advice = 'Remove the authorities that no client needs, or divide the clients among several endpoints'
      const size = `the names of its ${all.length} certificates take ${bytes} bytes, and a handshake has room for ${MOST_NAME_BYTES}`
      const location = { argument: 'authorities', file: own }
      return located(new errors.FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE('authorities', own, `${size}. ${advice}`), location, error)
    }
    const failure = `a trial handshake of ${this.#versions.join(' and ')} failed (${reasonOfTrial(error)})`
    const problem = `${failure}. Check ciphers, sslmethod and the kind of its key`
    return located(new errors.FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE(argument, file, problem), { argument, file }, error)
  }
}

/** OpenSSL's reason, without the location in its source code. */
function reasonOfTrial (error: Error & { code?: string, reason?: string }): string {
  return error.reason ?? error.code ?? reasonOf(error)
}

/** Algorithm and length of the public key, on which the usable ciphers depend. */
function kindOf (raw: Buffer): string {
  const { subjectPublicKeyInfo: { content, end } } = readCertificate(raw)
  const algorithm = readElement(raw, content, end)
  return `${raw.toString('hex', algorithm.content, algorithm.end)} ${end - content}`
}

function lengthOfName ({ raw }: X509Certificate): number {
  const { subject } = readCertificate(raw)
  return subject.end - subject.start
}
