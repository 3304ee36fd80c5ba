/**
 * The allowed list: a text file with one rule a line, see `parseRule`.
 *
 *     # kind:pattern [issuer=sha256//<base64>] [role=a,b]
 *     uri:spiffe://prod.example.org/ns/shop/sa/orders   role=reader,writer
 *     dns:*.devices.example.org
 *
 * Each rule admits clients, so the file is accepted as a whole or not at all. A truncated file can admit more than the
 * whole: `ip:10.0.0.0/16`, cut after the 1, is half the Internet. So the last line must have a line end, and one wrong
 * line makes the whole file invalid.
 */
import { isUtf8 } from 'node:buffer'
import { type ErrorLocation, errors, firstWithOthers, located } from '../errors.js'
import { Slices } from '../turns.js'
import { AllowedSet } from './allowed-set.js'
import { LONGEST_LINE, parseRule, type Rule, RuleProblem } from './rule.js'
import { keyOf, RuleIndex } from './rule-index.js'

/** More problems would not make a message more useful. */
const MOST_PROBLEMS = 20
const MOST_RULES = 1_000_000
/** A character has at most so many bytes in UTF-8, for each unit of a string. */
const BYTES = 3
/** Rules with one pattern, which may differ in their issuers and roles: a client that matches one of them matches all. */
const MOST_OF_ONE_PATTERN = 100
/** Lines that its message names. */
const MOST_SHOWN = 5
const LINE_FEED = 0x0a

/**
 * Reads the rules of a list, in slices, so that a long one does not block the event loop.
 *
 * @param bytes the whole file: UTF-8, with lines that end with LF or CRLF. The set keeps them
 * @param what what the file is called in messages
 * @throws FST_ENDPOINT_ALLOWED_SYNTAX for the first wrong line, with the others in its property `errors`;
 *   FST_ENDPOINT_ALLOWED_INVALID if the file is not UTF-8, has no rule or too many, or its last line has no end
 */
export async function parseAllowedList (bytes: Buffer, what: string, location: ErrorLocation): Promise<AllowedSet> {
  const set = await parse(bytes, what, location)
  if (set.size === 0) {
    const problem = 'it has no rule, so no client is allowed: write at least one, or remove allowedFile'
    throw located(new errors.FST_ENDPOINT_ALLOWED_INVALID(what, problem), location)
  }
  return set
}

/**
 * Reads the rules of a list that may be empty so far.
 *
 * @throws as `parseAllowedList`
 */
export async function parseRules (bytes: Buffer, what: string, location: ErrorLocation): Promise<Rule[]> {
  return (await parse(bytes, what, location)).rules
}

async function parse (bytes: Buffer, what: string, location: ErrorLocation): Promise<AllowedSet> {
  const invalid = (problem: string): Error => located(new errors.FST_ENDPOINT_ALLOWED_INVALID(what, problem), location)
  const wrong = (line: number, problem: string): Error =>
    located(new errors.FST_ENDPOINT_ALLOWED_SYNTAX(`${what} line ${line}`, problem), { ...location, line })
  const slices = new Slices('growing')
  const encoding = await problemOfEncoding(bytes, slices)
  if (encoding !== undefined) throw invalid(encoding)
  const problems: Error[] = []
  const index = new RuleIndex()
  const places = new Places()
  let line = 0
  for (let start = BOM.equals(bytes.subarray(0, BOM.length)) ? BOM.length : 0; start < bytes.length && problems.length < MOST_PROBLEMS;) {
    line++
    const feed = bytes.indexOf(LINE_FEED, start)
    const end = feed < 0 ? bytes.length : feed
    try {
      if (end - start > LONGEST_LINE * BYTES) throw new RuleProblem(`the line is longer than ${LONGEST_LINE} characters`)
      const content = contentOf(bytes, start, end)
      // A comment without a line end also means that the file is truncated.
      if (feed < 0) throw new RuleProblem('the last line does not end with a line feed, so it may be incomplete: add one')
      if (content !== '' && !content.startsWith('#')) {
        if (index.size === MOST_RULES) throw invalid(`it has more than ${MOST_RULES} rules`)
        index.add(parseRule(content, line))
        places.add(start, line)
      }
    } catch (thrown) {
      if (!(thrown instanceof RuleProblem)) throw thrown
      problems.push(wrong(line, thrown.message))
    }
    start = end + 1
    if (slices.over) await slices.next()
  }
  // The set keeps the lines instead of the rules: see `RuleIndex`.
  const ruleAt = (number: number): Rule => {
    const start = places.startOf(number)
    return parseRule(contentOf(bytes, start, bytes.indexOf(LINE_FEED, start)), places.lineOf(number))
  }
  index.makeSlots()
  for (let number = 0; number < index.size && problems.length < MOST_PROBLEMS; number++) {
    if (index.place(number) >= MOST_OF_ONE_PATTERN) {
      const same: number[] = []
      const { kind, wildcard, value, line } = ruleAt(number)
      index.find(kind, wildcard, keyOf({ wildcard, value }), (other) => { same.push(places.lineOf(other)) })
      problems.push(wrong(line, `more than ${MOST_OF_ONE_PATTERN} lines have this pattern (${same.slice(0, MOST_SHOWN).join(', ')}, …): ` +
        'write one rule with all of their roles'))
      break
    }
    if (slices.over) await slices.next()
  }
  const [first, ...others] = problems
  if (first !== undefined) throw firstWithOthers([first, ...others])
  return new AllowedSet(index, ruleAt)
}

/** Where the rules are in the file. Flat arrays, for the same reason as in `RuleIndex`. */
class Places {
  #count = 0
  /** For each rule the start of its line, and the number of that. */
  #places = new Uint32Array(16)

  add (start: number, line: number): void {
    if (this.#count * 2 === this.#places.length) {
      const larger = new Uint32Array(this.#places.length * 2)
      larger.set(this.#places)
      this.#places = larger
    }
    this.#places[this.#count * 2] = start
    this.#places[this.#count++ * 2 + 1] = line
  }

  startOf (number: number): number {
    return this.#places[number * 2] as number
  }

  lineOf (number: number): number {
    return this.#places[number * 2 + 1] as number
  }
}

/** Bytes of a file that are checked at a time. */
const PIECE = 1024 * 1024
/** The byte order mark in UTF-8. */
const BOM = Buffer.of(0xef, 0xbb, 0xbf)
const SPACE = 0x20
const TAB = 0x09
const CARRIAGE_RETURN = 0x0d

async function problemOfEncoding (bytes: Buffer, slices: Slices): Promise<string | undefined> {
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    // Up to the end of a line, since a piece must not end within a character.
    end = bytes.lastIndexOf(LINE_FEED, start + PIECE) + 1
    if (end <= start) end = bytes.length
    const piece = bytes.subarray(start, end)
    if (piece.includes(0)) return 'it holds a NUL character: save it as UTF-8 text'
    if (!isUtf8(piece)) return 'it is not UTF-8 text'
    if (slices.over) await slices.next()
  }
  return undefined
}

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
