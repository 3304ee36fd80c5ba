/**
 * How text is written to somebody: in colour and with symbols on a terminal, plainly elsewhere.
 *
 * Names in certificates, paths and patterns are chosen by others, and a terminal obeys what it is sent. So
 * everything is written through here, where what cannot be seen is written out (`<U+001B>`), and only then
 * coloured: no other place writes an escape sequence.
 */
import { inspect } from 'node:util'
import { visible } from '../text/printable.js'

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** A text of which parts have a colour. */
export type Text = string | { readonly colour: Colour, readonly text: string } | readonly Text[]

/** Where text goes: a stream, a terminal perhaps. */
export interface Output {
  write (text: string): unknown
  readonly isTTY?: boolean
  /** Of a terminal. */
  readonly columns?: number
}

interface StyleOptions {
  readonly env: NodeJS.ProcessEnv
  /** What `--no-color` says; undefined where it is not given. */
  readonly colour?: boolean | undefined
}

/** Narrower lines are not broken: it would make them longer than the terminal is high. */
const NARROWEST = 60

export class Style {
  readonly #colours: boolean
  /** Whether lines are drawn and signs are shown, which not every place can show. */
  readonly symbols: boolean
  /** Characters that a line may have; undefined where nothing limits it. */
  readonly width: number | undefined

  constructor (output: Output, { env, colour }: StyleOptions) {
    const isTerminal = output.isTTY === true && env['TERM'] !== 'dumb'
    this.#colours = colour ?? wantsColour(env, isTerminal)
    this.symbols = isTerminal && /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '')
    const { columns = 0 } = output
    this.width = isTerminal && columns >= NARROWEST ? columns : undefined
  }

  /** A text for the output, on one line. */
  render (text: Text): string {
    return runsOf(text).map((run) => this.#paint(run)).join('')
  }

  /** A text in lines that are not longer than a width, broken between words. */
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

/** A text of one colour, fit for a terminal. */
interface Run {
  readonly text: string
  readonly colour: Colour | undefined
}

function runsOf (text: Text): Run[] {
  if (typeof text === 'string') return [{ text: visible(text), colour: undefined }]
  return 'text' in text ? [{ text: visible(text.text), colour: text.colour }] : text.flatMap(runsOf)
}

/** https://no-color.org, and FORCE_COLOR as Node itself reads it; the first counts more. */
function wantsColour (env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false
  const forced = env['FORCE_COLOR']
  return forced === undefined ? isTerminal : forced !== '0' && forced !== 'false'
}
