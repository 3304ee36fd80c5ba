/** SPIFFE IDs, and the certificates that carry one (SPIFFE-ID.md section 2, X509-SVID.md sections 3.1 and 5.2). */
import type { SubjectNames } from './subject-names.js'

const SCHEME = 'spiffe://'
const LONGEST_ID = 2048
const LONGEST_TRUST_DOMAIN = 255
const TRUST_DOMAIN = /^[a-z0-9._-]+$/
const SEGMENTS = /^(?:\/[A-Za-z0-9._-]+)*$/
const DOTS = /\/\.\.?(?:\/|$)/

/** Why a text is not the SPIFFE ID of a workload; undefined if it is. */
export function problemOfSpiffeId (text: string): string | undefined {
  return problemOfTrustDomain(text) ?? (text.indexOf('/', SCHEME.length) < 0 ? 'the SPIFFE ID of a workload has a path' : undefined)
}

/** Why a text is neither a SPIFFE ID nor the ID of a trust domain; undefined if it is one of them. */
export function problemOfTrustDomain (text: string): string | undefined {
  if (!text.startsWith(SCHEME)) return 'a SPIFFE ID begins with spiffe://, in lower case'
  if (text.length > LONGEST_ID) return `a SPIFFE ID has at most ${LONGEST_ID} bytes`
  const slash = text.indexOf('/', SCHEME.length)
  const [trustDomain, path] = slash < 0 ? [text.slice(SCHEME.length), ''] : [text.slice(SCHEME.length, slash), text.slice(slash)]
  if (!TRUST_DOMAIN.test(trustDomain) || trustDomain.length > LONGEST_TRUST_DOMAIN) {
    return `the trust domain of a SPIFFE ID has at most ${LONGEST_TRUST_DOMAIN} characters of a-z, 0-9, ".", "-" and "_"`
  }
  if (!SEGMENTS.test(path) || DOTS.test(path)) {
    return 'the segments of a SPIFFE ID have characters of A-Z, a-z, 0-9, ".", "-" and "_", and are not "", "." or ".."'
  }
  return undefined
}

/** The SPIFFE ID of a certificate; undefined if it is not a valid X.509-SVID of a workload. */
export function spiffeIdOf ({ names, isLeaf }: SubjectNames): string | undefined {
  const uris = names.filter(({ kind }) => kind === 'uri')
  const [uri] = uris
  if (!isLeaf || uri === undefined || uris.length > 1 || uri.problem !== undefined) return undefined
  return problemOfSpiffeId(uri.value) === undefined ? uri.value : undefined
}
