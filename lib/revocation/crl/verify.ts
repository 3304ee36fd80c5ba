/**
 * Reads a CRL and verifies it with the key of an authority.
 */
import { createHash } from 'node:crypto'
import { errors } from '../../errors.js'
import { withDefiniteLengths } from '../../x509/definite-lengths.js'
import { describePublicKey } from '../../x509/public-key.js'
import { completeCrl, readFrame, readHeader, type Crl, type CrlHeader } from './crl.js'
import { type EntriesOptions, indexesOf } from './entries.js'
import type { VerifiedCrl } from './series.js'
import { signatureCheckOf } from './signature.js'
import type { Authority } from '../../x509/authorities.js'

export type CrlOutcome =
  | {
    readonly verified: VerifiedCrl
    /** Whether its issuer's name is that of one of the authorities. */
    readonly isNamed: boolean
    readonly warnings: readonly string[]
  }
  /** Why it does not count: no authority has signed it, or only with an algorithm that cannot be trusted. */
  | { readonly problem: string }

type EntryLimits = Pick<EntriesOptions, 'limit' | 'tooMany'>

/** Keys tried for one CRL: each hashes the whole CRL. */
const MAX_KEYS = 16

/**
 * Reads and verifies a CRL.
 *
 * @throws FST_ENDPOINT_DER_INVALID unless the bytes are exactly one CRL; the error that `tooMany` makes
 */
export async function verifyCrl (bytes: Uint8Array, signers: readonly Authority[], limits: EntryLimits): Promise<CrlOutcome> {
  let outcome: CrlOutcome | undefined
  let problem: unknown
  try {
    outcome = await verify({ bytes }, signers, limits)
  } catch (thrown) {
    if (!(thrown instanceof errors.FST_ENDPOINT_DER_INVALID)) throw thrown
    problem = thrown
  }
  // It may be BER, which OpenSSL reads too.
  const isWhole = outcome !== undefined && 'verified' in outcome && outcome.isNamed && !outcome.verified.crl.isPartial
  const definite = isWhole ? undefined : withDefiniteLengths(bytes, 0)
  if (definite?.end === bytes.length) return await verify({ bytes: definite.bytes, signed: definite.first }, signers, limits)
  if (outcome === undefined) throw problem
  return outcome
}

interface CrlBytes {
  readonly bytes: Uint8Array
  /** The signed bytes, where `bytes` has been rewritten as DER. */
  readonly signed?: Uint8Array
}

async function verify ({ bytes, signed }: CrlBytes, signers: readonly Authority[], limits: EntryLimits): Promise<CrlOutcome> {
  const frame = readFrame(bytes)
  const header = readHeader(bytes, frame)
  const check = await signatureCheckOf(bytes, frame, signed)
  if ('problem' in check) return check
  const { candidates, isNamed } = candidatesFor(header, signers)
  const signer = candidates.find(({ key, kind }) => check.fits(kind) && check.isSignedBy(key))
  if (signer === undefined) return { problem: problemOf(header, signers, candidates, check.fits) }
  const crl = withFormOf(completeCrl(bytes, header, limits), signed)
  const warnings: string[] = []
  if (!isNamed) warnings.push('is signed by an authority whose name is not that of its issuer, so it has no effect')
  if (crl.defect !== undefined) warnings.push(`revokes what it lists, but proves no certificate good: ${crl.defect}`)
  return {
    verified: {
      crl,
      signer: signer.identity.spki,
      // With the signer, because two authorities may have signed the same bytes. With the defect, which may be in an unsigned
      // part.
      digest: createHash('sha256')
        .update(signer.identity.spki)
        .update(bytes.subarray(frame.signature.content, frame.signature.end))
        .update(crl.defect ?? '')
        .digest('base64'),
      issuerIndexes: indexesOf(crl.issuers)
    },
    isNamed,
    warnings
  }
}

function withFormOf (crl: Crl, signed: Uint8Array | undefined): Crl {
  if (signed === undefined) return crl
  return { ...crl, defect: crl.defect ?? 'it is not DER: it has indefinite lengths or segmented strings' }
}

/** The authorities whose key may have signed a CRL: those with the issuer's name, or else those with the key that the CRL names. */
function candidatesFor ({ issuer, keyId }: CrlHeader, signers: readonly Authority[]): { candidates: Authority[], isNamed: boolean } {
  const able = signers.filter(({ signsCrls }) => signsCrls)
  const named = able.filter(({ name }) => name === issuer)
  const isNamed = signers.some(({ name }) => name === issuer)
  const found = isNamed ? named : able.filter((signer) => keyId !== undefined && signer.keyId === keyId)
  // The key that the CRL names comes first.
  const sorted = found.sort((a, b) => Number(b.keyId === keyId) - Number(a.keyId === keyId))
  const keys = new Map<string, Authority>()
  for (const signer of sorted) if (!keys.has(signer.identity.spki)) keys.set(signer.identity.spki, signer)
  return { candidates: [...keys.values()].slice(0, MAX_KEYS), isNamed }
}

function problemOf (
  { issuer }: CrlHeader,
  signers: readonly Authority[],
  candidates: readonly Authority[],
  fits: (kind: Authority['kind']) => boolean
): string {
  const [first] = candidates
  if (first !== undefined && !candidates.some(({ kind }) => fits(kind))) {
    return `its signature algorithm does not fit the key of its issuer (${describePublicKey(first.kind)}): have it signed with that key`
  }
  if (first !== undefined) return 'its signature does not verify with the key of its issuer in authorities'
  return signers.some(({ name }) => name === issuer)
    ? 'the certificate of its issuer in authorities may not sign CRLs (keyUsage without cRLSign)'
    : 'its issuer is not in authorities: add the certificate that signed it'
}
