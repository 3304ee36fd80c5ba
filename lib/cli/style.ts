/**
 * The style of output: colours and symbols on a terminal, plain text elsewhere.
 *
 * Strangers choose names in certificates, paths and patterns, and a terminal executes the escape sequences that it
 * receives. So all output goes through here. Invisible characters are escaped first (`<U+001B>`), then colours are added.
 * No other place writes an escape sequence.
 */
import { inspect } from 'node:util'
import { visible } from '../text/printable.js'

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** A text with coloured parts. */
export type Text = string | { readonly colour: Colour, readonly text: string } | readonly Text[]

/** A stream, which may be a terminal. */
export interface Output {
  write (text: string): unknown
  readonly isTTY?: boolean
  /** The width, if it is a terminal. */
  readonly columns?: number
}

interface StyleOptions {
  readonly env: NodeJS.ProcessEnv
  /** Whether `--color` or `--no-color` is given; undefined if neither is. */
  readonly colour?: boolean | undefined
}

/** On a narrower terminal, lines are not wrapped: the output would be too long to read. */
const NARROWEST = 60

export class Style {
  readonly #colours: boolean
  /** Whether to draw branches and symbols. Not every terminal can show them. */
  readonly symbols: boolean
  /** Most characters of a line; undefined if unlimited. */
  readonly width: number | undefined

  constructor (output: Output, { env, colour }: StyleOptions) {
    const isTerminal = output.isTTY === true && env['TERM'] !== 'dumb'
    this.#colours = colour ?? wantsColour(env, isTerminal)
    this.symbols = isTerminal && /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '')
    const { columns = 0 } = output
    this.width = isTerminal && columns >= NARROWEST ? columns : undefined
  }

  /** The text for the output, on one line. */
  render (text: Text): string {
    return runsOf(text).map((run) => this.#paint(run)).join('')
  }

  /** Wraps a text between words, in lines of at most `width` characters. */
  wrap (text: Text, width: number): string[] {
    const lines: Run[][] = [[]]
    let length = 0
    for (const { text: all, colour } of runsOf(text)) {
      let part = ''
      for (const word of all.match(/[^ ]+ *| +/g) ?? []) {
        if (length > 0 && length + word.trimEnd().length > width) {
          lines.at(-1)?.push({ text: part.trimEnd(), colour })
          lines.push([])
          part = ''
          length = 0
        }
        part += word
        length += word.length
      }
      lines.at(-1)?.push({ text: part, colour })
    }
    return lines.map((runs) => runs.map((run) => this.#paint(run)).join(''))
  }

  #paint ({ text, colour }: Run): string {
    const codes = colour === undefined || !this.#colours || text === '' ? undefined : inspect.colors[colour]
    return codes === undefined ? text : `\u001b[${codes[0]}m${text}\u001b[${codes[1]}m`
  }
}

/** A text of one colour, safe to print. */
interface Run {
  readonly text: string
  readonly colour: Colour | undefined
}

function runsOf (text: Text): Run[] {
  if (typeof text === 'string') return [{ text: visible(text), colour: undefined }]
  return 'text' in text ? [{ text: visible(text.text), colour: text.colour }] : text.flatMap(runsOf)
}

/** NO_COLOR (https://no-color.org) takes precedence over FORCE_COLOR, which is read as Node reads it. */
function wantsColour (env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false
  const forced = env['FORCE_COLOR']
  return forced === undefined ? isTerminal : forced !== '0' && forced !== 'false'
}
