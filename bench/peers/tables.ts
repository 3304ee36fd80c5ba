/** The tables of a comparison, in Markdown: a short one of ratios, and the long ones with everything. */
import { median } from '../table.js'
import { groupsOf, LOADS, nameOf, ratioOf, type LoadName, type Measured, type Ratio, type Results, type Round } from './results.js'

const TITLES: Readonly<Record<LoadName, string>> = {
  full: 'Full handshake and one request',
  resumed: 'Resumed handshake and one request',
  request: 'Request on a kept connection'
}
/** The part of their core from which on the clients limit the throughput, and add to the latency. */
const LIMIT = 0.95
/** A percentile of fewer values is only the largest one. */
const ENOUGH = 100

/** Processor time of the server, as ratios: a row for each program, a column for each CRL. */
export function shortTableOf (results: Results): string {
  const sizes = [...new Set(results.measured.map(({ entries }) => entries))].filter((entries) => entries > 0).sort((a, b) => a - b)
  const head = ['processor time, bare Fastify = 1', 'full handshake, no CRL', ...sizes.map(titleOf), 'resumed handshake', 'request']
  const rows = groupsOf(results).map(({ name, members }) => {
    const largest = members.at(-1) as Measured
    const full = [0, ...sizes].map((entries) => members.find((member) => member.entries === entries))
    return [name, ...full.map((member) => member === undefined ? '' : cell(ratioOf(results, member, 'full', 'processor'))),
      ...(['resumed', 'request'] as const).map((load) => cell(ratioOf(results, largest, load, 'processor')))]
  })
  return table(head, rows)
}

/** A table for each load, and one of the starts and the memory. */
export function longTablesOf (results: Results): string {
  const loads = LOADS.map((load) => `${TITLES[load]}:\n\n${loadTableOf(results, load)}`)
  return [...loads, `Start and memory:\n\n${startTableOf(results)}`].join('\n\n')
}

function loadTableOf (results: Results, load: LoadName): string {
  const head = ['', 'entries', 'processor, µs', 'bare = 1', 'a second, by the clock', 'core of the clients', 'p50, ms', 'bare = 1', 'p99, ms']
  return table(head, results.measured.map((one) => {
    const of = (measure: keyof Round): number => median(one.rounds[load].map((round) => round[measure]))
    const limited = of('clients') >= LIMIT ? ' †' : ''
    const few = one.rounds[load].some(({ samples }) => samples < ENOUGH) ? ' ‡' : ''
    return [
      nameOf(one), entriesOf(one), whole(of('processor')), cell(ratioOf(results, one, load, 'processor')),
      `${whole(of('perSecond'))}${limited}`, `${(of('clients') * 100).toFixed(0)} %`,
      digits(of('p50')), cell(ratioOf(results, one, load, 'p50')), `${digits(of('p99'))}${few}`
    ]
  }))
}

function startTableOf ({ measured }: Results): string {
  return table(['', 'entries', 'start by the clock, s', 'start, processor, s', 'memory, MB'], measured.map((one) => {
    return [nameOf(one), entriesOf(one), one.start.clock.toFixed(2), one.start.processor.toFixed(2), (one.memory / 1e6).toFixed(0)]
  }))
}

function entriesOf ({ entries }: Measured): string {
  return entries === 0 ? 'no CRL' : entries.toLocaleString('en')
}

function titleOf (entries: number): string {
  return entries === 1 ? '1 entry' : `${entries.toLocaleString('en')} entries`
}

function cell (ratio: Ratio | undefined): string {
  if (ratio === undefined) return ''
  // Of a reference with itself.
  if (ratio.least === 1 && ratio.most === 1) return '1'
  return `**${digits(ratio.median)}** (${digits(ratio.least)} to ${digits(ratio.most)})`
}

function whole (value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** Two digits behind the point, fewer of large numbers. */
function digits (value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)
}

function table (head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), `|---|${'--:|'.repeat(head.length - 1)}`, ...rows.map(line)].join('\n')
}
