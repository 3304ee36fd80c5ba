/**
 * Gives each segment of a description to the argument that it is meant for, and reads the values.
 * Positional segments fill the positional arguments in order, keywords stand where they like.
 */
import { argumentsOf, otherNames, positionalNames, signatures, typeNames, type TypeName, type Values } from './argument-table.js'
import { firstWithOthers } from '../errors.js'
import { fault, offsetInQuoted, type EndpointText } from './fault.js'
import { nearest } from '../text/nearest.js'
import { isShort, printable } from '../text/printable.js'
import type { Segment } from './tokenize.js'

/** The arguments of a description, by name, as they are written. */
export interface Bound<N extends TypeName> {
  source: EndpointText
  type: N
  /** The segment that names the type. */
  head: Segment
  given: Map<string, Segment>
  /** The description as a string of its own. */
  description: string
}

/** Problems that are told of one string. Each costs a search for the nearest name, and a string may come from anywhere. */
const MOST_PROBLEMS = 10

/**
 * @param segments all but the one that names the type, in order
 * @throws the first problem, with the others in its property `errors`
 */
export function bind<N extends TypeName> (source: EndpointText, type: N, head: Segment, segments: Segment[], description: string): Bound<N> {
  const known = argumentsOf(type)
  const positions = positionalNames(type)
  const given = new Map<string, Segment>()
  const bound = { source, type, head, given, description }
  const problems: Error[] = []
  const meant = new Set<string | undefined>()
  let position = 0
  for (const segment of segments) {
    if (problems.length === MOST_PROBLEMS) break
    // Twisted's own way to write it is `stdio:`.
    if (known.size === 0 && segments.length === 1 && segment.key === undefined && segment.value === '') continue
    const name = segment.key ?? positions[position++]
    if (name === undefined) {
      // Those behind it are of the same cause.
      if (position === positions.length + 1) problems.push(tooMany(bound, segment, segments))
    } else if (!known.has(name)) {
      problems.push(unknown(bound, name, segment))
      meant.add(meantBy(type, name))
    } else if (given.has(name)) {
      problems.push(repeated(bound, name, segment, segments))
    } else {
      given.set(name, segment)
    }
  }
  for (const [name, argument] of known) {
    // One that is misspelt is there.
    if (argument.presence === 'required' && !given.has(name) && !meant.has(name)) problems.push(missing(bound, name))
  }
  if (problems.length > 0) read(bound, problems)
  return bound
}

/**
 * Reads all values; an argument that is not given and has no default is left out.
 * @param before what else is wrong, to be told of first
 * @throws the first problem, with the others in its property `errors`
 */
export function read<N extends TypeName> (bound: Bound<N>, before: readonly Error[] = []): Values<(typeof signatures)[N]> {
  const { values, problems } = readAll(bound)
  if (before.length + problems.length > 0) throw firstWithOthers([...before, ...problems])
  // The table says of each name what its kind gives; the compiler cannot follow it through a loop.
  return values as Values<(typeof signatures)[N]>
}

function readAll ({ source, type, given }: Bound<TypeName>): { values: Record<string, unknown>, problems: Error[] } {
  const values: Record<string, unknown> = {}
  const problems: Error[] = []
  for (const [name, argument] of argumentsOf(type)) {
    const segment = given.get(name)
    const text = segment?.value ?? ('otherwise' in argument ? argument.otherwise : undefined)
    if (text === undefined) continue
    const reading = argument.kind(text)
    if ('value' in reading) values[name] = reading.value
    else problems.push(invalid(source, type, name, segment, reading))
  }
  return { values, problems }
}

/** The error for an argument that is not there and must be. */
export function missing (bound: Bound<TypeName>, name: string, instead = ''): Error {
  const { source, type, head } = bound
  return fault(source, 'FST_ENDPOINT_MISSING_ARGUMENT', head.start, name,
    `${type}: the argument ${name} is missing${instead}; ${takes(type)}, for example ${signatures[type].example}`)
}

/** The error for an argument that says something that cannot be done beside the others. */
export function conflicting (bound: Bound<TypeName>, name: string, reason: string): Error {
  const { source, type, head, given } = bound
  return fault(source, 'FST_ENDPOINT_CONFLICTING_ARGUMENTS', (given.get(name) ?? head).start, name, `${type}: ${reason}`)
}

function invalid (source: EndpointText, type: TypeName, name: string, segment: Segment | undefined, reading: { wrong: string, at: number }): Error {
  const at = segment === undefined ? 0 : offsetInQuoted(source.text, segment.valueStart, reading.at)
  return fault(source, 'FST_ENDPOINT_INVALID_ARGUMENT', at, name, `${type}: ${name} ${reading.wrong}`)
}

function tooMany ({ source, type }: Bound<TypeName>, segment: Segment, segments: Segment[]): Error {
  return fault(source, 'FST_ENDPOINT_TOO_MANY_ARGUMENTS', segment.start, undefined,
    `${type}: ${printable(segment.value)} is one positional argument too many; ${takes(type)}${colonAdvice(source, segment, segments)}`)
}

function repeated ({ source, type, given }: Bound<TypeName>, name: string, segment: Segment, segments: Segment[]): Error {
  const positional = segment.key === undefined || given.get(name)?.key === undefined
  return fault(source, 'FST_ENDPOINT_REPEATED_ARGUMENT', segment.start, name,
    `${type}: the argument ${name} is given twice${positional ? ', once by its position and once by its name' : ''}; ${takes(type)}${colonAdvice(source, segment, segments)}`)
}

function unknown ({ source, type }: Bound<TypeName>, name: string, { start }: Segment): Error {
  const meant = meantBy(type, name)
  const advice = meant === undefined ? adviceFromElsewhere(name) : `did you mean ${meant}?`
  return fault(source, 'FST_ENDPOINT_UNKNOWN_ARGUMENT', start, name, `${type} has no argument ${printable(name)}: ${advice} ${takes(type)}`)
}

/** The argument that somebody may have meant who wrote another name. */
function meantBy (type: TypeName, name: string): string | undefined {
  const own = argumentsOf(type)
  const synonym = otherNames.get(name)
  return synonym !== undefined && own.has(synonym) ? synonym : nearest(name, own.keys())
}

function adviceFromElsewhere (name: string): string {
  const meant = nearest(name, typeNames.flatMap((type) => [...argumentsOf(type).keys()]))
  if (meant === undefined) return 'if the "=" belongs to a value, write "\\=".'
  return `${meant} is an argument of ${typeNames.filter((type) => argumentsOf(type).has(meant)).join(', ')}.`
}

/** Tells all arguments of a type, in the order of their positions. */
function takes (type: TypeName): string {
  const positional = positionalNames(type)
  const byName = [...argumentsOf(type).keys()].slice(positional.length)
  const told = [
    ...(positional.length > 0 ? [`${positional.join(', ')} by position or name`] : []),
    ...(byName.length > 0 ? [`${byName.join(', ')} by name`] : [])
  ]
  return `${type} takes ${told.length > 0 ? told.join(' and ') : 'no arguments'}`
}

/**
 * What is most often wrong where there are too many positional arguments: an address or a path
 * whose colons were not escaped. If it began as the value of a keyword, what to write is known.
 */
function colonAdvice (source: EndpointText, segment: Segment, segments: Segment[]): string {
  if (segment.key !== undefined) return ''
  const general = '. A ":" within a value is written "\\:"'
  const index = segments.indexOf(segment)
  const first = segments.findLastIndex(({ key }, place) => place < index && key !== undefined)
  const keyword = segments[first]?.key
  if (keyword === undefined) return general
  const next = segments.findIndex(({ key }, place) => place > index && key !== undefined)
  const parts = segments.slice(first, next === -1 ? segments.length : next).map(({ valueStart, end }) => source.text.slice(valueStart, end))
  const written = `${keyword}=${parts.join('\\:')}`
  return isShort(written) ? `${general}: perhaps ${printable(written)}` : general
}
