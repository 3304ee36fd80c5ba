/** Turns rounds into rows of a Markdown table. */
import type { Round, Rounds } from './comparison.js'

export const HEAD = `\
| | ours | bare | ours / bare | ours by the clock | bare by the clock | ours / bare |
|---|--:|--:|--:|--:|--:|--:|`

/** Medians of both servers, their ratio, and the smallest and the largest ratio of two neighbouring rounds. */
export function rowOf (name: string, rounds: Rounds): string {
  const columns = (['perProcessorSecond', 'perSecond'] as const).flatMap((measure) => columnsOf(rounds, measure))
  return `| ${[name, ...columns].join(' | ')} |`
}

function columnsOf (rounds: Rounds, measure: keyof Round): string[] {
  const ours = rounds.ours.map((round) => round[measure])
  const bare = rounds.bare.map((round) => round[measure])
  const ratios = ours.map((value, index) => value / (bare[index] as number))
  const whole = (value: number): string => Math.round(value).toLocaleString('en')
  return [
    whole(median(ours)),
    whole(median(bare)),
    `**${(median(ours) / median(bare)).toFixed(3)}** (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`
  ]
}

export function median (values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2
}
