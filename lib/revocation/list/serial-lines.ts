/** Lines `serial:` of a list that are written as they should be, and can hit nobody all the same. */
import { hash } from 'node:crypto'
import { nameText } from '../../x509/name.js'
import type { Authority } from '../../x509/authorities.js'
import { BIT_STRING, expectTag, readCertificate, readElement } from '../../x509/der.js'
import type { ListEntry } from './list-file.js'
import { visible } from '../../text/printable.js'

/** Lines that are told of one by one. */
const MOST_TOLD = 20
/** So many digits of a hexadecimal number have a letter among them, but for one number of ten thousand. */
const FEWEST_DIGITS = 20

interface KnownHash {
  /** What it is the hash of; undefined for the name, as it should be. */
  readonly mistaken: string | undefined
  /** The authority, as a person reads it. */
  readonly authority: string
  /** The hash of its name. */
  readonly name: string
}

/**
 * What is wrong with the lines that name a certificate by its issuer and serial number: the hash of an authority's certificate
 * or key in the place of its name, or a decimal number in the place of a hexadecimal one.
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
    if (found?.mistaken !== undefined) {
      warnings.push(`${what} line ${line} revokes nobody: it has the hash of the ${found.mistaken} of ${found.authority} in the place of that of its name; write @${found.name}`)
    } else if (serial.length >= FEWEST_DIGITS && /^[0-9]+$/.test(serial)) {
      warnings.push(`${what} line ${line} seems to revoke nobody${found === undefined ? '' : ` of ${found.authority}`}: its serial number looks like a decimal one; write ${BigInt(serial).toString(16)}, which it is in hexadecimal`)
    }
  }
  if (warnings.length <= MOST_TOLD) return warnings
  return [...warnings.slice(0, MOST_TOLD), `${what} has ${warnings.length - MOST_TOLD} more lines with serial: that seem to revoke nobody`]
}

function knownHashes (signers: readonly Authority[]): Map<string, KnownHash> {
  const known = new Map<string, KnownHash>()
  const names: Array<[string, KnownHash]> = []
  for (const { x509: { raw }, identity } of signers) {
    const { subject, subjectPublicKeyInfo: { content, end } } = readCertificate(raw)
    const authority = visible(nameText(raw, subject))
    const name = hashOf(raw.subarray(subject.start, subject.end))
    const key = expectTag(raw, readElement(raw, content, end).end, end, BIT_STRING)
    const add = (value: string, mistaken: string): void => { known.set(value, { mistaken, authority, name }) }
    add(hashOf(raw), 'certificate')
    add(identity.tbs, 'certificate')
    add(identity.spki, 'key')
    add(hashOf(raw.subarray(key.content + 1, key.end)), 'key')
    names.push([name, { mistaken: undefined, authority, name }])
  }
  for (const [name, right] of names) known.set(name, right)
  return known
}

function hashOf (bytes: Uint8Array): string {
  return `sha256//${hash('sha256', bytes, 'base64')}`
}
