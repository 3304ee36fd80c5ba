/** Lines `serial:` of a list whose syntax is valid, but that can revoke nobody. */
import { hash } from 'node:crypto'
import { nameText } from '../../x509/name.js'
import type { Authority } from '../../x509/authorities.js'
import { BIT_STRING, expectTag, readCertificate, readElement } from '../../x509/der.js'
import type { ListEntry } from './list-file.js'
import { visible } from '../../text/printable.js'

/** Lines that are reported one by one. */
const MOST_REPORTED = 20
/** Of random hexadecimal numbers with so many digits, only one of ten thousand has no letter. */
const FEWEST_DIGITS = 20

interface KnownHash {
  /** What was hashed by mistake; undefined for the hash of the name. */
  readonly wrongInput: string | undefined
  /** The name of the authority, for messages. */
  readonly authority: string
  /** The hash of its name. */
  readonly name: string
}

/**
 * Warnings about lines with an issuer and a serial number that seem to revoke nobody. They have the hash of an authority's
 * certificate or key instead of its name, or a decimal number instead of a hexadecimal one.
 *
 * @param what what the list is called in messages
 */
export function warningsOfSerialLines (entries: readonly ListEntry[], signers: readonly Authority[], what: string): string[] {
  const warnings: string[] = []
  let known: Map<string, KnownHash> | undefined
  for (const { kind, value, line } of entries) {
    if (kind !== 'serial') continue
    known ??= knownHashes(signers)
    const at = value.indexOf('@')
    const [serial, issuer] = [value.slice(0, at), value.slice(at + 1)]
    const found = known.get(issuer)
    if (found?.wrongInput !== undefined) {
      const mistake = `it has the hash of the ${found.wrongInput} of ${found.authority} instead of the hash of its name`
      warnings.push(`${what} line ${line} revokes nobody: ${mistake}. Write @${found.name}`)
    } else if (serial.length >= FEWEST_DIGITS && /^[0-9]+$/.test(serial)) {
      const whom = found === undefined ? 'nobody' : `nobody of ${found.authority}`
      const right = BigInt(serial).toString(16)
      warnings.push(`${what} line ${line} seems to revoke ${whom}: its serial number looks decimal. Write it in hexadecimal: ${right}`)
    }
  }
  if (warnings.length <= MOST_REPORTED) return warnings
  const more = `${what} has ${warnings.length - MOST_REPORTED} more lines with serial: that seem to revoke nobody`
  return [...warnings.slice(0, MOST_REPORTED), more]
}

function knownHashes (signers: readonly Authority[]): Map<string, KnownHash> {
  const known = new Map<string, KnownHash>()
  const names: Array<[string, KnownHash]> = []
  for (const { x509: { raw }, identity } of signers) {
    const { subject, subjectPublicKeyInfo: { content, end } } = readCertificate(raw)
    const authority = visible(nameText(raw, subject))
    const name = hashOf(raw.subarray(subject.start, subject.end))
    const key = expectTag(raw, readElement(raw, content, end).end, end, BIT_STRING)
    const add = (value: string, wrongInput: string): void => { known.set(value, { wrongInput, authority, name }) }
    add(hashOf(raw), 'certificate')
    add(identity.tbs, 'certificate')
    add(identity.spki, 'key')
    add(hashOf(raw.subarray(key.content + 1, key.end)), 'key')
    names.push([name, { wrongInput: undefined, authority, name }])
  }
  for (const [name, right] of names) known.set(name, right)
  return known
}

function hashOf (bytes: Uint8Array): string {
  return `sha256//${hash('sha256', bytes, 'base64')}`
}
