/**
 * Makes text from outside safe to print: without characters that a terminal or a log viewer acts upon.
 *
 * All printers share one class of such characters. Messages show them as `<U+000A>` and keep backslashes, because most
 * mistakes in an endpoint string are about backslashes. Paths and JSON show them as JSON escapes, so that they keep
 * their meaning.
 */

const LONGEST_VALUE = 80
const LONGEST_ENDPOINT = 160
const BEFORE_THE_MISTAKE = 60

// Controls, formatting (BOM, zero width, right-to-left override, tags), line separators, lone surrogates, and what is drawn as
// nothing (Hangul fillers, variation selectors).
const NOTHING = '\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}'
// Spaces that look like U+0020: all other \p{Zs}.
const SPACES = '\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000'
// No property of Unicode has these: the Braille blank, the replacement of an object, hieroglyphic blanks, the empty note.
const BLANKS = '\\u2800\\ufffc\\u{13441}\\u{13442}\\u{1d159}'
// Nor these marks: the Brahmi joiner and the Khitan filler.
const UNSEEN = new RegExp(`[${NOTHING}${SPACES}${BLANKS}]|\\u{1107f}|\\u{16fe4}`, 'gu')

/** Gives `text` in quotation marks, cut where it is long. */
export function printable (text: string): string {
  return text.length <= LONGEST_VALUE ? quoted(text) : `${quoted(cut(text, 0, LONGEST_VALUE))}…`
}

/** Gives the part of an endpoint string around `index`, in quotation marks: all of it if it is short. */
export function excerpt (text: string, index: number): string {
  if (text.length <= LONGEST_ENDPOINT) return quoted(text)
  const from = Math.max(0, Math.min(index - BEFORE_THE_MISTAKE, text.length - LONGEST_ENDPOINT))
  const to = from + LONGEST_ENDPOINT
  return `${from > 0 ? '…' : ''}${quoted(cut(text, from, to))}${to < text.length ? '…' : ''}`
}

/** Whether a text is short enough for a message that tells the reader to copy it. */
export function isShort (text: string): boolean {
  return text.length <= LONGEST_VALUE
}

/** Gives all of `text` on one line, with invisible characters as `<U+000A>`. */
export function visible (text: string): string {
  return replaceUnseen(text, codePoint)
}

/** Gives `text` with each character that a reader cannot see replaced. */
export function replaceUnseen (text: string, replacement: (character: string) => string): string {
  return text.replace(UNSEEN, replacement)
}

/** The first character of `text` that a reader cannot see, as `U+000A`; undefined if there is none. */
export function firstUnseen (text: string): { character: string, name: string } | undefined {
  const [character] = text.match(UNSEEN) ?? []
  return character === undefined ? undefined : { character, name: codePoint(character).slice(1, -1) }
}

/**
 * A distinguished name as Node gives it, in quotation marks and cut where it is long, since a client chooses the names
 * in its certificate request. Node separates the parts with line feeds, and escapes those inside; it gives undefined for
 * an empty name.
 */
export function printableName (name: string | undefined): string {
  return printable((name ?? '').split('\n').join(', '))
}

/** A path in quotation marks, as a string of JSON. */
export function quotePath (path: string): string {
  return escapeUnseen(JSON.stringify(path))
}

/** Indented JSON, with escapes for what a terminal would act upon. Its meaning stays the same. */
export function printableJson (value: unknown): string {
  return JSON.stringify(value, undefined, 2).split('\n').map(escapeUnseen).join('\n')
}

/** By code units, since a character outside the BMP is two of them. */
function escapeUnseen (json: string): string {
  return json.replace(
    UNSEEN,
    (found) => Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
  )
}

function quoted (text: string): string {
  return `"${visible(text)}"`
}

function codePoint (character: string): string {
  return `<U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}>`
}

/** A slice that does not split surrogate pairs. */
function cut (text: string, from: number, to: number): string {
  return text.slice(splitsPair(text, from) ? from + 1 : from, splitsPair(text, to) ? to - 1 : to)
}

function splitsPair (text: string, at: number): boolean {
  return /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(Math.max(0, at - 1), at + 1))
}
