/** Parses the text format that Prometheus reads. */
import { ok } from 'node:assert'

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export class Scrape {
  readonly samples: Sample[] = []
  /** Name of each metric, with its type and help. */
  readonly metrics = new Map<string, { type: string, help: string }>()

  constructor (text: string) {
    for (const line of text.split('\n')) {
      const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
      if (kind !== undefined) this.metrics.set(name as string, { type: '', help: '', ...this.metrics.get(name as string), [kind === 'HELP' ? 'help' : 'type']: rest })
      else if (line !== '' && !line.startsWith('#')) this.samples.push(parseSample(line))
    }
  }

  /** The value of the one sample of this name that has these labels; undefined where there is none. */
  value (name: string, labels: Record<string, string> = {}): number | undefined {
    const found = this.all(name, labels)
    ok(found.length <= 1, `${name} is there ${found.length} times`)
    return found[0]?.value
  }

  /** All samples of this name that have these labels. */
  all (name: string, labels: Record<string, string> = {}): Sample[] {
    return this.samples.filter((sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
  }
}

function parseSample (line: string): Sample {
  const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  ok(name !== undefined, `not a sample: ${line}`)
  const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/g)]
  ok(pairs.map(([pair]) => pair).join('') === labels, `not labels: ${labels}`)
  const unescaped = (text: string): string => text.replace(/\\(.)/g, (_all, character) => character === 'n' ? '\n' : character)
  return { name, labels: Object.fromEntries(pairs.map(([, label, text]) => [label, unescaped(text as string)])), value: Number(value) }
}
