/**
 * From the bytes of a CRL to one that counts: read, and verified under the key of an authority.
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
  /** Why it does not count: no authority has signed it, or not in a way that can be trusted. */
  | { readonly problem: string }

/** Keys that may be tried for one CRL: each takes a hash of all of it. */
const MAX_KEYS = 16

/**
 * Reads and verifies the CRL that the bytes hold.
 *
 * @throws FST_ENDPOINT_DER_INVALID if they hold anything else, or more; and what `tooMany` gives
 */
export async function verifyCrl (bytes: Uint8Array, signers: readonly Authority[], limits: Pick<EntriesOptions, 'limit' | 'tooMany'>): Promise<CrlOutcome> {
  let outcome: CrlOutcome | undefined
  let problem: unknown
  try {
    outcome = await verify({ bytes }, signers, limits)
  } catch (thrown) {
    if (!(thrown instanceof errors.FST_ENDPOINT_DER_INVALID)) throw thrown
    problem = thrown
  }
  // What could not be read, or not in full, may be BER, which OpenSSL reads.
  const isWhole = outcome !== undefined && 'verified' in outcome && outcome.isNamed && !outcome.verified.crl.isPartial
  const definite = isWhole ? undefined : withDefiniteLengths(bytes, 0)
  if (definite?.end === bytes.length) return await verify({ bytes: definite.bytes, signed: definite.first }, signers, limits)
  if (outcome === undefined) throw problem
  return outcome
}

interface CrlBytes {
  readonly bytes: Uint8Array
  /** What the signature is over, where it is not in the bytes as it was signed. */
  readonly signed?: Uint8Array
}

async function verify ({ bytes, signed }: CrlBytes, signers: readonly Authority[], limits: Pick<EntriesOptions, 'limit' | 'tooMany'>): Promise<CrlOutcome> {
  const frame = readFrame(bytes)
  const header = readHeader(bytes, frame)
  const check = await signatureCheckOf(bytes, frame, signed)
  if ('problem' in check) return check
  const { candidates, isNamed } = candidatesFor(header, signers)
  const signer = candidates.find(({ key, kind }) => check.fits(kind) && check.isSignedBy(key))
  if (signer === undefined) return { problem: problemOf(header, signers, candidates, check.fits) }
  const crl = withFormOf(completeCrl(bytes, header, limits), signed)
  const warnings: string[] = []
  if (!isNamed) warnings.push('is signed by an authority that has another name than its issuer, so it is about nobody')
  if (crl.defect !== undefined) warnings.push(`revokes what it lists, but proves of no certificate that it is good: ${crl.defect}`)
  return {
    verified: {
      crl,
      signer: signer.identity.spki,
      // With the key: what one authority has signed is not what another one has, whatever the bytes. With the defect: it
      // may come of what is not signed.
      digest: createHash('sha256').update(signer.identity.spki).update(bytes.subarray(frame.signature.content, frame.signature.end)).update(crl.defect ?? '').digest('base64'),
      issuerIndexes: indexesOf(crl.issuers)
    },
    isNamed,
    warnings
  }
}

function withFormOf (crl: Crl, signed: Uint8Array | undefined): Crl {
  return signed === undefined ? crl : { ...crl, defect: crl.defect ?? 'it is not written in DER: it leaves lengths open, or has strings in pieces' }
}

/** Whose key may have signed a CRL: an authority of the issuer's name, or else of the key that the CRL names. */
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

function problemOf ({ issuer }: CrlHeader, signers: readonly Authority[], candidates: readonly Authority[], fits: (kind: Authority['kind']) => boolean): string {
  const [first] = candidates
  if (first !== undefined && !candidates.some(({ kind }) => fits(kind))) {
    return `its signature algorithm is not one for the key of its issuer (${describePublicKey(first.kind)}): have it signed with that key`
  }
  if (first !== undefined) return 'its signature is not that of its issuer among the authorities'
  return signers.some(({ name }) => name === issuer)
    ? 'the certificate of its issuer among the authorities may not sign CRLs (keyUsage without cRLSign)'
    : 'its issuer is none of the authorities: add the certificate that has signed it'
}
