/** Finds the type of a description: its first positional segment, which need not come first. */
import { signatures, typeNames, type TypeName } from './argument-table.js'
import { fault, type Source } from './fault.js'
import { nearest } from './nearest.js'
import { printable } from './printable.js'
import type { Segment } from './tokenize.js'

/** A description in segments: a whole string, or what haproxy leaves of one. */
export interface Description {
  source: Source
  segments: Segment[]
  /** The description as a string of its own. */
  text: string
}

/** A description whose type is known. */
export interface Typed {
  type: TypeName
  /** The segment that names the type. */
  head: Segment
  /** All other segments, in order. */
  rest: Segment[]
}

// What people write who think of a URL.
const SCHEMES = new Map<string, TypeName>([['http', 'tcp'], ['https', 'tls']])

/**
 * Types are matched without regard to case.
 *
 * @throws FST_ENDPOINT_UNKNOWN_TYPE
 */
export function findType ({ source, segments }: Description): Typed {
  const place = segments.findIndex(({ key }) => key === undefined)
  const head = segments[place]
  if (head === undefined) {
    throw unknown(source, segments[0]?.start ?? 0, `There is no type, only keywords: begin with one, for example ${signatures.tcp.example}`)
  }
  const written = head.value.toLowerCase()
  const type = typeNames.find((name) => name === written)
  if (type === undefined) throw unknown(source, head.start, complaint(source, head))
  return { type, head, rest: segments.toSpliced(place, 1) }
}

function unknown (source: Source, at: number, message: string): Error {
  return fault(source, 'FST_ENDPOINT_UNKNOWN_TYPE', at, undefined, `${message}. The types are ${typeNames.join(', ')}`)
}

function complaint (source: Source, { value }: Segment): string {
  if (source.text === '') return `The endpoint is empty: write for example ${signatures.tcp.example}`
  if (value === '') return `There is no type before the ":": write for example ${signatures.tcp.example}`
  const wrong = `There is no type ${printable(value)}`
  if (/^[0-9]{1,5}$/.test(value)) return `${wrong}: for a port write tcp:${value}`
  if (/^[./]/.test(value)) return `${wrong}: for a unix socket write for example ${signatures.unix.example}`
  const meant = SCHEMES.get(value.toLowerCase())
  if (meant !== undefined) return `${wrong}: an endpoint is not a URL; write for example ${signatures[meant].example}`
  const near = nearest(value, typeNames)
  return near === undefined ? wrong : `${wrong}: did you mean ${near}?`
}
