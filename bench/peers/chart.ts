/**
 * The chart of a comparison as SVG: for each program a row, for each load a panel, for each size of the CRL a mark with the
 * spread of its ratio. It depends on nothing but the results, so that the same results give the same bytes.
 */
import { groupsOf, ratioOf, type Group, type LoadName, type Measured, type Ratio, type Results } from './results.js'

const WIDTH = 880
const TOP = 96
const LANE = 14
const GAP = 12
/** Below the rows: the numbers of the axes, and two lines of notes. */
const FOOT = 66
const NAME_RIGHT = 198

interface Panel {
  readonly load: LoadName
  readonly title: string
  readonly left: number
  readonly width: number
  /** Full handshakes differ by a factor of a hundred. */
  readonly logarithmic: boolean
}

const PANELS: readonly Panel[] = [
  { load: 'full', title: 'Full handshake', left: 210, width: 310, logarithmic: true },
  { load: 'resumed', title: 'Resumed handshake', left: 545, width: 150, logarithmic: false },
  { load: 'request', title: 'Request', left: 730, width: 134, logarithmic: false }
]
const TICKS = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000]
/** Pixels at the right of a panel that the value of its last mark needs. */
const LABEL = 40

/** From the colours for people who see colours differently by Okabe and Ito; the shapes differ too. */
const STYLE = `
text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 } .head { font-weight: 600 } .quiet { fill: #59636e } .value { font-size: 11px; paint-order: stroke; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round } .right { text-anchor: end } .middle { text-anchor: middle }
.back { fill: #ffffff; stroke: #d1d9e0 } .grid { stroke: #d1d9e0 } .one { stroke: #59636e; stroke-dasharray: 4 3 } .band { fill: #f6f8fa }
.s0 { stroke: #59636e; fill: #59636e } .s1 { stroke: #0072b2; fill: #0072b2 } .s2 { stroke: #b85000; fill: #b85000 } .s3 { stroke: #00795a; fill: #00795a }
.mark { stroke-width: 1.5 } .spread { stroke-width: 2; opacity: 0.5 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .quiet { fill: #9198a1 } .value { stroke: #0d1117 } .back { fill: #0d1117; stroke: #3d444d } .grid { stroke: #3d444d } .one { stroke: #9198a1 } .band { fill: #161b22 }
.s0 { stroke: #9198a1; fill: #9198a1 } .s1 { stroke: #56b4e9; fill: #56b4e9 } .s2 { stroke: #f0883e; fill: #f0883e } .s3 { stroke: #2bc49a; fill: #2bc49a }
}`

const NOTE = 'Servers on Node are compared with bare Fastify on the same Node, nginx and HAProxy with the first bare Fastify of the chart.'
const TITLE = 'Processor time of the server, bare Fastify = 1'

export function chartOf (results: Results): string {
  const groups = groupsOf(results)
  const sizes = [...new Set(results.measured.map(({ entries }) => entries))].sort((a, b) => a - b)
  const bottom = TOP + groups.reduce((height, { members }) => height + heightOf(members.length), 0)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${bottom + FOOT}" viewBox="0 0 ${WIDTH} ${bottom + FOOT}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escape(TITLE)}</title>`,
    `<desc id="desc">${escape(descriptionOf(results, groups))}</desc>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="back" x="0.5" y="0.5" width="${WIDTH - 1}" height="${bottom + FOOT - 1}" rx="6"/>`,
    text(16, 28, 'title', TITLE),
    text(WIDTH - 16, 28, 'quiet right', 'less is better'),
    ...legend(sizes),
    ...bands(groups),
    ...PANELS.flatMap((panel) => drawPanel(results, groups, sizes, panel, bottom)),
    text(16, bottom + 38, 'quiet', 'A mark is the median of the rounds, the line through it their smallest and largest ratio.'),
    text(16, bottom + 55, 'quiet', NOTE),
    '</svg>'
  ]
  return `${parts.join('\n')}\n`
}

function heightOf (lanes: number): number {
  return lanes * LANE + GAP
}

function legend (sizes: readonly number[]): string[] {
  const names = sizes.map((entries) => entries === 0 ? 'no CRL' : `CRL of ${entries === 1 ? '1 entry' : `${entries.toLocaleString('en')} entries`}`)
  let left = 22
  return names.flatMap((name, index) => {
    const at = left
    left += 36 + name.length * 6.4
    return [mark(at, 50, classOf(sizes, sizes[index] as number)), text(at + 11, 54, 'quiet', name)]
  })
}

/** The names of the rows, and a background for every other one. */
function bands (groups: readonly Group[]): string[] {
  let top = TOP
  return groups.flatMap(({ name, members }, index) => {
    const height = heightOf(members.length)
    const middle = top + height / 2 + 4
    const band = index % 2 === 0 ? [`<rect class="band" x="8" y="${top}" width="${WIDTH - 16}" height="${height}" rx="3"/>`] : []
    top += height
    return [...band, text(NAME_RIGHT, middle, 'right', name)]
  })
}

function drawPanel (results: Results, groups: readonly Group[], sizes: readonly number[], panel: Panel, bottom: number): string[] {
  const { load, title, left, width, logarithmic } = panel
  const ratios = groups.flatMap(({ members }) => members.flatMap((one) => ratioOf(results, one, load, 'processor') ?? []))
  const least = Math.min(1, ...ratios.map((ratio) => ratio.least))
  const most = Math.max(1, ...ratios.map((ratio) => ratio.most))
  const scale = logarithmic ? Math.log : (value: number): number => value
  const from = logarithmic ? scale(least / 1.15) : 0
  const place = (value: number): number => left + (scale(value) - from) / (scale(most) - from) * (width - LABEL)
  const ticks = logarithmic ? TICKS.filter((tick) => tick >= least / 1.15 && tick <= most) : linearTicks(most)
  const parts = [text(left, TOP - 12, 'head', title)]
  for (const tick of ticks) {
    const x = round(place(tick))
    parts.push(`<line class="${tick === 1 ? 'one' : 'grid'}" x1="${x}" x2="${x}" y1="${TOP}" y2="${bottom}"/>`, text(x, bottom + 16, 'quiet middle value', String(tick)))
  }
  let top = TOP + GAP / 2
  for (const { members } of groups) {
    for (const [lane, one] of members.entries()) {
      const ratio = ratioOf(results, one, load, 'processor')
      if (ratio !== undefined) parts.push(...drawRatio(place, ratio, top + lane * LANE + LANE / 2, classOf(sizes, one.entries)))
    }
    top += heightOf(members.length)
  }
  return parts
}

function drawRatio (place: (value: number) => number, { least, median, most }: Ratio, y: number, name: string): string[] {
  return [
    `<line class="spread ${name}" x1="${round(place(least))}" x2="${round(place(most))}" y1="${y}" y2="${y}"/>`,
    mark(round(place(median)), y, name),
    text(round(place(most)) + 8, y + 4, 'value', digits(median))
  ]
}

/** 0 without a CRL, and then by size. */
function classOf (sizes: readonly number[], entries: number): string {
  const withEntries = sizes.filter((size) => size > 0)
  return `s${entries === 0 ? 0 : Math.min(withEntries.indexOf(entries) + 1, 3)}`
}

/** A ring, a disc, a square, or a diamond. */
function mark (x: number, y: number, name: string): string {
  switch (name) {
    case 's0': return `<circle class="mark ${name}" cx="${x}" cy="${y}" r="4" fill-opacity="0"/>`
    case 's1': return `<circle class="mark ${name}" cx="${x}" cy="${y}" r="4"/>`
    case 's2': return `<rect class="mark ${name}" x="${round(x - 3.5)}" y="${y - 3.5}" width="7" height="7"/>`
    default: return `<path class="mark ${name}" d="M${x} ${y - 5}l5 5l-5 5l-5 -5z"/>`
  }
}

function linearTicks (most: number): number[] {
  const step = most > 4 ? 2 : most > 2 ? 1 : 0.5
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step)
}

function descriptionOf (results: Results, groups: readonly Group[]): string {
  return groups.map(({ name, members }) => `${name}: ${members.map((one) => `${memberOf(one)} ${PANELS.map(({ load, title }) => {
    const ratio = ratioOf(results, one, load, 'processor')
    return `${title.toLowerCase()} ${ratio === undefined ? 'not measured' : digits(ratio.median)}`
  }).join(', ')}`).join('; ')}.`).join(' ')
}

function memberOf ({ entries }: Measured): string {
  return entries === 0 ? 'without a CRL' : `with ${entries.toLocaleString('en')} revoked`
}

function text (x: number, y: number, name: string, content: string): string {
  return `<text class="${name}" x="${round(x)}" y="${round(y)}">${escape(content)}</text>`
}

function digits (value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)
}

function round (value: number): number {
  return Math.round(value * 10) / 10
}

function escape (content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
