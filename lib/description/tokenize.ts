/**
 * The grammar of endpoint strings, which is Twisted's:
 *
 *     description = segment *( ":" segment )
 *     segment     = positional | key "=" value
 *     escape      = "\" any-one-character  ->  that character, whatever it is
 *
 * It is one pass: both `:` and `=` are special at the start and after every `:`, and after the first
 * unescaped `=` of a segment only `:` is. There are no other escapes, no quotes, and nothing is trimmed.
 *
 * Two mistakes are errors here and not in Twisted: a `\` at the end, which escapes nothing, and a repeated keyword, of
 * which Twisted silently uses the last.
 */
import { fault, type EndpointText } from './fault.js'
import { printable } from '../text/printable.js'

/** The text between two colons, with the offsets that errors point at. */
export interface Segment {
  /** The name of a keyword argument; a positional one has none. */
  key: string | undefined
  value: string
  start: number
  valueStart: number
  /** The offset after the last character. */
  end: number
}

/** An endpoint string, split but not interpreted. */
export interface Tokens {
  /** The type, then the positional arguments, in their order, without escapes. */
  positional: string[]
  /** The keyword arguments in their order, without escapes. Any text may be a key, even `__proto__` or an empty one. */
  keyword: Map<string, string>
}

const COLON = 0x3a
const EQUALS = 0x3d
const BACKSLASH = 0x5c

/**
 * Splits an endpoint string into type and arguments, as Twisted's parser does (twisted.internet.endpoints, `_parse`). It
 * does not check that the type and the arguments exist.
 *
 * @throws FST_ENDPOINT_SYNTAX if it is not a string, or ends with a single `\`
 * @throws FST_ENDPOINT_REPEATED_ARGUMENT if a keyword is given twice
 */
export function tokenizeEndpoint (text: string): Tokens {
  const source = sourceOf(text)
  const tokens: Tokens = { positional: [], keyword: new Map() }
  for (const { key, value, start } of segmentsOf(source)) {
    if (key === undefined) tokens.positional.push(value)
    else if (!tokens.keyword.has(key)) tokens.keyword.set(key, value)
    else {
      throw fault(
        source,
        'FST_ENDPOINT_REPEATED_ARGUMENT',
        start,
        key,
      `The argument ${printable(key)} is given twice: remove one of them`
      )
    }
  }
  return tokens
}

/** The source for a text from outside. A caller in JavaScript may pass anything. */
export function sourceOf (text: string): EndpointText {
  if (typeof text === 'string') return { text }
  throw fault(
    { text: '' },
    'FST_ENDPOINT_SYNTAX',
    0,
    undefined,
    `An endpoint must be a string, not ${text === null ? 'null' : typeof text}`
  )
}

/** The segments of a text, at least one; a keyword may still be among them twice. */
export function segmentsOf (source: EndpointText): Segment[] {
  const { text } = source
  const segments: Segment[] = []
  let start = 0
  let equals = -1
  for (let at = 0; at <= text.length; at++) {
    const unit = at === text.length ? COLON : text.charCodeAt(at)
    if (unit === BACKSLASH) {
      if (++at === text.length) throw endsInBackslash(source)
    } else if (unit === EQUALS && equals === -1) {
      equals = at
    } else if (unit === COLON) {
      const key = equals === -1 ? undefined : unescape(text.slice(start, equals))
      const valueStart = equals === -1 ? start : equals + 1
      segments.push({ key, value: unescape(text.slice(valueStart, at)), start, valueStart, end: at })
      start = at + 1
      equals = -1
    }
  }
  return segments
}

function unescape (text: string): string {
  return text.includes('\\') ? text.replace(/\\(.)/gs, '$1') : text
}

function endsInBackslash (source: EndpointText): Error {
  return fault(source, 'FST_ENDPOINT_SYNTAX', source.text.length - 1, undefined,
    'A "\\" at the end has nothing to escape: write "\\\\" for a backslash')
}
