/** Finds the type of a description: its first positional segment, which need not come first. */
import { signatures, typeNames, type TypeName } from './argument-table.js'
import { fault, type EndpointText } from './fault.js'
import { nearest } from '../text/nearest.js'
import { printable } from '../text/printable.js'
import type { Segment } from './tokenize.js'

/** A description in segments: a whole string, or what haproxy leaves of one. */
export interface Description {
  source: EndpointText
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

// Schemes of URLs, which people write by mistake.
const SCHEMES = new Map<string, TypeName>([['http', 'tcp'], ['https', 'tls']])

/**
 * Types are matched without regard to case.
 *
 * @param choice the types to show to users, the best example first
 * @throws FST_ENDPOINT_UNKNOWN_TYPE
 */
export function findType ({ source, segments }: Description, choice: readonly TypeName[] = typeNames): Typed {
  const place = segments.findIndex(({ key }) => key === undefined)
  const head = segments[place]
  const written = head?.value.toLowerCase()
  const type = typeNames.find((name) => name === written)
  if (head !== undefined && type !== undefined) return { type, head, rest: segments.toSpliced(place, 1) }
  throw fault(source, 'FST_ENDPOINT_UNKNOWN_TYPE', head?.start ?? 0, undefined,
    `${complaint(source, head?.value, choice)} The types are ${choice.join(', ')}`)
}

function complaint ({ text }: EndpointText, value: string | undefined, choice: readonly TypeName[]): string {
  const example = `write for example ${signatures[choice[0] ?? 'tcp'].example}.`
  if (text === '') return `The endpoint is empty: ${example}`
  if (value === undefined) return `There is no type, only keywords: ${example}`
  if (value === '') return `The type is empty: ${example}`
  const wrong = `There is no type ${printable(value)}`
  if (/^[0-9]{1,5}$/.test(value) && choice.includes('tcp')) return `${wrong}: for a port write tcp:${value}.`
  if (/^[./]/.test(value)) return `${wrong}: for a unix socket write for example ${signatures.unix.example}.`
  const meant = SCHEMES.get(value.toLowerCase())
  if (meant !== undefined) return `${wrong}: an endpoint is not a URL; write for example ${signatures[meant].example}.`
  const near = nearest(value, choice)
  return near === undefined ? `${wrong}.` : `${wrong}: did you mean ${near}?`
}
