/** What tests of the allowed list ask of rules, and certificates to hold against them. */
import { AllowedSet } from '../../lib/allowed/allowed-set.js'
import { parseRule, type Rule, RuleProblem } from '../../lib/allowed/rule.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { readSubjectNames } from '../../lib/x509/subject-names.js'
import { element } from './der.js'
import { createAuthority, Extension, generateKeyPair, type Issued, type LeafOptions } from './pki.js'

const authority = await createAuthority()
const keyPair = await generateKeyPair()

/** Tags of GeneralName. */
export const EMAIL = 0x81
export const DNS = 0x82
export const URI = 0x86
export const IP = 0x87

/** One GeneralName, of any bytes. */
export function generalName (tag: number, content: string | Uint8Array): Buffer {
  return element(tag, typeof content === 'string' ? Buffer.from(content, 'latin1') : content)
}

/** A subjectAltName of any names. */
export function alternativeNames (...names: Uint8Array[]): Extension {
  return rawAlternativeNames(element(0x30, ...names))
}

/** A subjectAltName of any bytes. */
export function rawAlternativeNames (value: Uint8Array): Extension {
  return new Extension('2.5.29.17', false, value)
}

/** A certificate of a client, which has no commonName unless it is given a name. All have one key. */
export async function issue (options: Partial<LeafOptions>): Promise<Issued> {
  return await authority.issue({ name: '', usage: 'client', keyPair, ...options })
}

/** What is wrong with a rule; undefined if nothing is. */
export function problemOfRule (line: string): string | undefined {
  try {
    parseRule(line, 1)
    return undefined
  } catch (thrown) {
    if (thrown instanceof RuleProblem) return thrown.message
    throw thrown
  }
}

/** The rules of a list that a certificate matches. */
export async function rulesFor (lines: readonly string[], der: Buffer): Promise<Rule[]> {
  const set = await AllowedSet.of(lines.map((line, index) => parseRule(line, index + 1)))
  const { tbs, spki } = identifyCertificate(der)
  return set.rulesFor({ names: readSubjectNames(der), tbs, spki })
}

/** Whether a certificate matches a rule. */
export async function matches (line: string, der: Buffer): Promise<boolean> {
  return (await rulesFor([line], der)).length > 0
}
