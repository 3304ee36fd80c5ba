/**
 * The allowed list: a text file with one rule a line, see `parseRule`.
 *
 *     # kind:pattern [issuer=sha256//<base64>] [role=a,b]
 *     uri:spiffe://prod.example.org/ns/shop/sa/orders   role=reader,writer
 *     dns:*.devices.example.org
 *
 * Each rule lets clients in, so the file is accepted as a whole or not at all. A truncated file can admit more than the
 * whole: `ip:10.0.0.0/16`, cut after the 1, is half the Internet. So the last line must have a line end, and one wrong
 * line makes the whole file invalid.
 */
import { isUtf8 } from 'node:buffer'
import { type ErrorLocation, errors, firstWithOthers, located } from '../errors.js'
import { Slices } from '../turns.js'
import { AllowedSet } from './allowed-set.js'
import { parseRule, type Rule, RuleProblem } from './rule.js'

/** More problems would not make a message more useful. */
const MOST_PROBLEMS = 20
const LINE_FEED = 0x0a

/**
 * Reads the rules of a list, in slices, so that a long one does not block the event loop.
 *
 * @param bytes the whole file: UTF-8, with lines that end with LF or CRLF
 * @param what what the file is called in messages
 * @throws FST_ENDPOINT_ALLOWED_SYNTAX for the first wrong line, with the others in its property `errors`;
 *   FST_ENDPOINT_ALLOWED_INVALID if the file is not UTF-8, has no rule, or its last line has no end
 */
export async function parseAllowedList (bytes: Buffer, what: string, location: ErrorLocation): Promise<AllowedSet> {
  const rules = await parseRules(bytes, what, location)
  if (rules.length === 0) {
    const problem = 'it has no rule, so no client is allowed: write at least one, or remove allowedFile'
    throw located(new errors.FST_ENDPOINT_ALLOWED_INVALID(what, problem), location)
  }
  return await AllowedSet.of(rules)
}

/**
 * Reads the rules of a list that may be empty so far.
 *
 * @throws as `parseAllowedList`
 */
export async function parseRules (bytes: Buffer, what: string, location: ErrorLocation): Promise<Rule[]> {
  const invalid = (problem: string): Error => located(new errors.FST_ENDPOINT_ALLOWED_INVALID(what, problem), location)
  if (bytes.includes(0)) throw invalid('it holds a NUL character: save it as UTF-8 text')
  if (!isUtf8(bytes)) throw invalid('it is not UTF-8 text')
  const rules: Rule[] = []
  const problems: Error[] = []
  const slices = new Slices()
  let line = 0
  for (let start = BOM.equals(bytes.subarray(0, BOM.length)) ? BOM.length : 0; start < bytes.length && problems.length < MOST_PROBLEMS;) {
    line++
    const end = bytes.indexOf(LINE_FEED, start)
    const content = contentOf(bytes, start, end < 0 ? bytes.length : end)
    start = end < 0 ? bytes.length : end + 1
    // A comment without a line end also means that the file is truncated.
    if (end < 0 || (content !== '' && !content.startsWith('#'))) {
      try {
        if (end < 0) throw new RuleProblem('the last line does not end with a line feed, so it may be incomplete: add one')
        rules.push(parseRule(content, line))
      } catch (thrown) {
        if (!(thrown instanceof RuleProblem)) throw thrown
        problems.push(located(new errors.FST_ENDPOINT_ALLOWED_SYNTAX(`${what} line ${line}`, thrown.message), { ...location, line }))
      }
    }
    if (slices.over) await slices.next()
  }
  const [first, ...others] = problems
  if (first !== undefined) throw firstWithOthers([first, ...others])
  return rules
}

/** The byte order mark in UTF-8. */
const BOM = Buffer.of(0xef, 0xbb, 0xbf)
const SPACE = 0x20
const TAB = 0x09
const CARRIAGE_RETURN = 0x0d

/** Trims a line. Without a regular expression, which would take quadratic time for many spaces. */
function contentOf (bytes: Buffer, lineStart: number, lineEnd: number): string {
  const isBlank = (at: number): boolean => bytes[at] === SPACE || bytes[at] === TAB
  let start = lineStart
  let end = lineEnd
  if (end > start && bytes[end - 1] === CARRIAGE_RETURN) end--
  while (end > start && isBlank(end - 1)) end--
  while (start < end && isBlank(start)) start++
  return bytes.toString('utf8', start, end)
}
