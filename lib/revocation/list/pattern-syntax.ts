/**
 * Checks that a glob pattern means what it looks like.
 *
 * glob treats an unclosed bracket as an ordinary character, and truncates a long expansion of braces. Then the pattern
 * matches less than its author meant, and what it does not match is not revoked. So patterns are checked before glob gets
 * them, in one pass over their characters.
 */

/** Characters: the bytes of PATH_MAX, which no real pattern reaches. */
export const LONGEST_PATTERN = 4096
/** Patterns that the braces of one pattern may expand to, at most. */
export const MOST_ALTERNATIVES = 1000

type Opened = { kind: '(' } | { kind: '{', at: number, commas: number, alternatives: number, current: number }

interface Scan {
  pattern: string
  /** The open brackets at the present place, innermost last. */
  open: Opened[]
  /** The number of patterns that the closed braces at the outermost level expand to. */
  total: number
}

/**
 * What is wrong with a pattern, and what to write instead; undefined if it is valid.
 *
 * The syntax is `*`, `?`, `**`, classes (`[a-z]`), braces (`{a,b}`, `{1..9}`), the extended patterns
 * `?(…) *(…) +(…) @(…) !(…)`, and `\` before a literal character.
 */
export function problemOfPattern (pattern: string): string | undefined {
  if (pattern.length > LONGEST_PATTERN) return `the pattern is longer than ${LONGEST_PATTERN} characters`
  if (pattern.includes('\0')) return 'the line holds a NUL character'
  if (pattern.endsWith('/')) return 'a pattern that ends with / names folders: add * to name the files in them'
  const scan: Scan = { pattern, open: [], total: 1 }
  for (let at = 0; at < pattern.length; at++) {
    const step = checkCharacter(scan, at)
    if (typeof step === 'string') return step
    at = step
  }
  switch (scan.open.at(-1)?.kind) {
    case '(': return unclosed('(', ')')
    case '{': return unclosed('{', '}')
    default: return scan.total > MOST_ALTERNATIVES ? tooMany() : undefined
  }
}

/** Checks one character. Returns the last place that belongs to it, or what is wrong. */
function checkCharacter (scan: Scan, at: number): number | string {
  const { pattern, open } = scan
  const innermost = open.at(-1)
  switch (pattern[at]) {
    case '\\':
      return at + 1 < pattern.length ? at + 1 : 'the pattern ends with \\: write \\\\ for a backslash'
    case '[':
      return endOfClass(pattern, at, open.some(({ kind }) => kind === '{') ? '{},' : '{}')
    case '(':
      if (at > 0 && '?*+@!'.includes(pattern.charAt(at - 1)) && !isEscaped(pattern, at - 1)) open.push({ kind: '(' })
      return at
    case ')':
      if (innermost?.kind === '(') open.pop()
      return at
    case '/':
      return open.some(({ kind }) => kind === '(') ? 'a / is between ( and ), which can only contain a part of one name: use braces' : at
    case '{':
      if (pattern[at - 1] === '$' && !isEscaped(pattern, at - 1)) {
        return 'a { after a $ starts no braces, and variables are not expanded: write \\{ for a brace'
      }
      open.push({ kind: '{', at, commas: 0, alternatives: 0, current: 1 })
      return at
    case ',':
      if (innermost?.kind === '{') nextAlternative(innermost)
      else if (open.some(({ kind }) => kind === '{')) return unclosed('(', ')')
      return at
    case '}':
      if (innermost?.kind !== '{') return innermost === undefined ? 'a } without its {: write \\} for a brace' : unclosed('(', ')')
      open.pop()
      return closeBrace(scan, innermost, at)
    default:
      return at
  }
}

function nextAlternative (brace: Extract<Opened, { kind: '{' }>): void {
  brace.commas++
  brace.alternatives += brace.current
  brace.current = 1
}

function closeBrace (scan: Scan, brace: Extract<Opened, { kind: '{' }>, at: number): number | string {
  nextAlternative(brace)
  let { alternatives } = brace
  if (brace.commas === 1) {
    const length = lengthOfSequence(scan.pattern.slice(brace.at + 1, at))
    if (length === undefined) return 'braces without a comma are ordinary characters: write \\{ and \\}'
    alternatives = length
  }
  const outer = scan.open.findLast((opened) => opened.kind === '{')
  if (outer === undefined) scan.total *= alternatives
  else outer.current *= alternatives
  // Checked at once: the product may grow beyond all numbers.
  return alternatives > MOST_ALTERNATIVES || scan.total > MOST_ALTERNATIVES ? tooMany() : at
}

/** The number of names in `1..9`, `a..z` or `0..100..10`; undefined for anything else. */
function lengthOfSequence (text: string): number | undefined {
  const [, from, to, step = '1'] = /^(-?\d{1,15}|[A-Za-z])\.\.(-?\d{1,15}|[A-Za-z])(?:\.\.(-?\d{1,15}))?$/.exec(text) ?? []
  if (from === undefined || to === undefined || /\d/.test(from) !== /\d/.test(to)) return undefined
  const distance = /\d/.test(from) ? Number(to) - Number(from) : to.charCodeAt(0) - from.charCodeAt(0)
  return Math.floor(Math.abs(distance) / Math.max(Math.abs(Number(step)), 1)) + 1
}

/** A class ends at the first `]` that is not its first member, not escaped, and not the end of a `[:name:]`. */
function endOfClass (pattern: string, start: number, ofBraces: string): number | string {
  let at = start + 1
  if (pattern[at] === '!' || pattern[at] === '^') at++
  for (const first = at; at < pattern.length; at++) {
    const named = /^\[:\w+:\]/.exec(pattern.slice(at, at + 12))
    if (named !== null) at += named[0].length - 1
    else if (pattern[at] === ']' && at > first) return at
    else if (pattern[at] === '/') break
    else if (pattern[at] === '\\') at++
    else if (ofBraces.includes(pattern.charAt(at))) {
      return `a ${pattern.charAt(at)} between [ and ] would be read as a part of braces: write \\${pattern.charAt(at)}`
    }
  }
  return unclosed('[', ']')
}

function isEscaped (pattern: string, at: number): boolean {
  let backslashes = 0
  while (pattern[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

function unclosed (opening: string, closing: string): string {
  return `a ${opening} without its ${closing}: close it, or write \\${opening} for the character itself`
}

function tooMany (): string {
  return `its braces expand to more than ${MOST_ALTERNATIVES} patterns: use wildcards, or more lines`
}
