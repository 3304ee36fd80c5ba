/**
 * Assigns each segment of a description to its argument, and parses the values.
 * Positional segments fill the positional arguments in order; keywords may stand anywhere.
 */
import { argumentsOf, otherNames, positionalNames, signatures, typeNames, type TypeName, type Values } from './argument-table.js'
import { firstWithOthers } from '../errors.js'
import { fault, offsetInQuoted, type EndpointText } from './fault.js'
import { nearest } from '../text/nearest.js'
import { isShort, printable } from '../text/printable.js'
import type { Segment } from './tokenize.js'

/** The arguments of a description by name, not parsed yet. */
export interface BoundArguments<N extends TypeName> {
  source: EndpointText
  type: N
  /** The segment that names the type. */
  head: Segment
  given: Map<string, Segment>
  /** The description as a string of its own. */
  description: string
}

/** At most so many problems are reported for one string. Each costs a search for the nearest name, and the string may be hostile. */
const MOST_PROBLEMS = 10

/**
 * @param segments all but the one that names the type, in order
 * @throws the first problem, with the others in its property `errors`
 */
export function bind<N extends TypeName> (
  source: EndpointText,
  type: N,
  head: Segment,
  segments: Segment[],
  description: string
): BoundArguments<N> {
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
      // The next ones have the same cause.
      if (position === positions.length + 1) problems.push(tooMany(bound, segment, segments))
    } else if (!known.has(name)) {
      problems.push(unknownArgument(bound, name, segment))
      meant.add(meantBy(type, name))
    } else if (given.has(name)) {
      problems.push(repeated(bound, name, segment, segments))
    } else {
      given.set(name, segment)
    }
  }
  for (const [name, argument] of known) {
    const alternatives = argument.presence === 'required' ? [] : 'orElse' in argument ? argument.orElse : undefined
    // A misspelt argument is not missing.
    if (alternatives !== undefined && ![name, ...alternatives].some((one) => given.has(one) || meant.has(one))) {
      problems.push(missing(bound, name))
    }
  }
  if (problems.length > 0) read(bound, problems)
  return bound
}

/**
 * Parses all values. Leaves out an argument that is not given and has no default.
 * @param before other problems, reported first
 * @throws the first problem, with the others in its property `errors`
 */
export function read<N extends TypeName> (bound: BoundArguments<N>, before: readonly Error[] = []): Values<(typeof signatures)[N]> {
  const { values, problems } = readAll(bound)
  if (before.length + problems.length > 0) throw firstWithOthers([...before, ...problems])
  // The table gives each value its type, which the compiler cannot follow through the loop.
  return values as Values<(typeof signatures)[N]>
}

function readAll ({ source, type, given }: BoundArguments<TypeName>): { values: Record<string, unknown>, problems: Error[] } {
  const values: Record<string, unknown> = {}
  const problems: Error[] = []
  for (const [name, argument] of argumentsOf(type)) {
    const segment = given.get(name)
    const text = segment?.value ?? ('otherwise' in argument ? argument.otherwise : undefined)
    if (text === undefined) continue
    const result = argument.kind(text)
    if ('value' in result) values[name] = result.value
    else problems.push(invalid(source, type, name, segment, result))
  }
  return { values, problems }
}

/** The error for a required argument that is missing. */
export function missing (bound: BoundArguments<TypeName>, name: string, instead = ''): Error {
  const { source, type, head } = bound
  return fault(source, 'FST_ENDPOINT_MISSING_ARGUMENT', head.start, name,
    `${type}: the argument ${name} is missing${instead}; ${describeArguments(type)}, for example ${signatures[type].example}`)
}

/** The error for an argument that contradicts others, or has no effect beside them. */
export function conflicting (bound: BoundArguments<TypeName>, name: string, reason: string): Error {
  const { source, type, head, given } = bound
  return fault(source, 'FST_ENDPOINT_CONFLICTING_ARGUMENTS', (given.get(name) ?? head).start, name, `${type}: ${reason}`)
}

function invalid (
  source: EndpointText,
  type: TypeName,
  name: string,
  segment: Segment | undefined,
  { wrong, at: index }: { wrong: string, at: number }
): Error {
  const at = segment === undefined ? 0 : offsetInQuoted(source.text, segment.valueStart, index)
  return fault(source, 'FST_ENDPOINT_INVALID_ARGUMENT', at, name, `${type}: ${name} ${wrong}`)
}

function tooMany ({ source, type }: BoundArguments<TypeName>, segment: Segment, segments: Segment[]): Error {
  return fault(source, 'FST_ENDPOINT_TOO_MANY_ARGUMENTS', segment.start, undefined,
    `${type}: ${printable(segment.value)} is one positional argument too many; ` +
    `${describeArguments(type)}${colonAdvice(source, segment, segments)}`)
}

function repeated ({ source, type, given }: BoundArguments<TypeName>, name: string, segment: Segment, segments: Segment[]): Error {
  const positional = segment.key === undefined || given.get(name)?.key === undefined
  return fault(source, 'FST_ENDPOINT_REPEATED_ARGUMENT', segment.start, name,
    `${type}: the argument ${name} is given twice${positional ? ', once by its position and once by its name' : ''}; ` +
    `${describeArguments(type)}${colonAdvice(source, segment, segments)}`)
}

function unknownArgument ({ source, type }: BoundArguments<TypeName>, name: string, { start }: Segment): Error {
  const meant = meantBy(type, name)
  const advice = meant === undefined ? adviceFromElsewhere(name) : `did you mean ${meant}?`
  return fault(source, 'FST_ENDPOINT_UNKNOWN_ARGUMENT', start, name,
    `${type} has no argument ${printable(name)}: ${advice} ${describeArguments(type)}`)
}

/** The argument that a wrong name probably meant. */
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

/** Lists all arguments of a type, in the order of their positions. */
function describeArguments (type: TypeName): string {
  const positional = positionalNames(type)
  const byName = [...argumentsOf(type).keys()].slice(positional.length)
  const parts = [
    ...(positional.length > 0 ? [`${positional.join(', ')} by position or name`] : []),
    ...(byName.length > 0 ? [`${byName.join(', ')} by name`] : [])
  ]
  return `${type} takes ${parts.length > 0 ? parts.join(' and ') : 'no arguments'}`
}

/**
 * Too many positional arguments usually come from an address or a path with unescaped colons. If a keyword
 * precedes them, the advice can show what to write.
 */
function colonAdvice (source: EndpointText, segment: Segment, segments: Segment[]): string {
  if (segment.key !== undefined) return ''
  const general = '. Write a ":" within a value as "\\:"'
  const index = segments.indexOf(segment)
  const first = segments.findLastIndex(({ key }, place) => place < index && key !== undefined)
  const keyword = segments[first]?.key
  if (keyword === undefined) return general
  const next = segments.findIndex(({ key }, place) => place > index && key !== undefined)
  const parts = segments.slice(first, next === -1 ? segments.length : next).map(({ valueStart, end }) => source.text.slice(valueStart, end))
  const written = `${keyword}=${parts.join('\\:')}`
  return isShort(written) ? `${general}: perhaps ${printable(written)}` : general
}
