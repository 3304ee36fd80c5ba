/** The code blocks of the README and of docs/, each with the tests that the document names for it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

export interface Block {
  readonly document: string
  /** `docs/deploying.md:12`, the line of its first fence. */
  readonly where: string
  /** What follows the fence; empty where nothing does. */
  readonly language: string
  readonly text: string
  /** Files that run it, from `<!-- runs: test/… -->` above the block or above the title of its page. */
  readonly runs: readonly string[]
  /** The block before it in its document. */
  readonly before: Block | undefined
}

const FENCE = /^( *)(`{3,}|~{3,}) *(.*)$/
const RUNS = /^ *<!-- *runs: *(.*?) *-->$/

/** All blocks, in order. The indent of a list is removed. */
export function readBlocks (): Block[] {
  const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).sort()
  return ['README.md', ...pages.map((name) => `docs/${name}`)].flatMap((document) => blocksOf(document, readFileSync(join(ROOT, document), 'utf8')))
}

/** @throws Error where a fence is not closed, or a comment names tests for no block */
export function blocksOf (document: string, source: string): Block[] {
  const blocks: Block[] = []
  const lines = source.split('\n')
  let ofPage: readonly string[] = []
  let named: { readonly runs: readonly string[], readonly line: number } | undefined
  let hasTitle = false
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string
    const fence = FENCE.exec(line)
    const [, files] = RUNS.exec(line) ?? []
    if (named !== undefined && fence === null && line.trim() !== '') {
      if (hasTitle || !line.startsWith('# ')) throw new Error(`${document}:${named.line}: no block follows "runs:". Put the comment right above the block, or above the title for all blocks of the page.`)
      ofPage = named.runs
      named = undefined
    }
    hasTitle ||= line.startsWith('# ')
    if (files !== undefined) named = { runs: files.split(/[ ,]+/), line: at + 1 }
    if (fence === null) continue
    const [, indent = '', marks = '', language = ''] = fence
    const end = lines.findIndex((other, index) => index > at && other.trim() === marks)
    if (end < 0) throw new Error(`${document}:${at + 1}: the block has no end. Close it with ${marks}.`)
    const text = lines.slice(at + 1, end).map((each) => `${each.startsWith(indent) ? each.slice(indent.length) : each.trimStart()}\n`).join('')
    blocks.push({ document, where: `${document}:${at + 1}`, language, text, runs: named?.runs ?? ofPage, before: blocks.at(-1) })
    named = undefined
    at = end
  }
  if (named !== undefined) throw new Error(`${document}:${named.line}: no block follows "runs:".`)
  return blocks
}

/**
 * What is wrong with the tests that a document names for a block; undefined if nothing is. A test must read the
 * document itself, or contain at least half of the words of each command, so that it cannot be any test.
 */
export function faultOf ({ document, where, text, runs }: Block, read: (file: string) => string | undefined): string | undefined {
  const tests = runs.map((file) => ({ file, content: read(file) }))
  const missing = tests.find(({ file, content }) => content === undefined || !/^(?:test|\.ci)\//.test(file))
  if (missing !== undefined) return `${where}: "runs: ${missing.file}" is no file of test/ or .ci/`
  const content = tests.map((test) => test.content).join('\n')
  if (content.includes(document)) return undefined
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const strange = lines.find((line) => {
    const words = [...new Set(line.match(/\w+/g))]
    return 2 * words.filter((word) => content.includes(word)).length < words.length
  })
  return strange === undefined ? undefined : `${where}: ${runs.join(', ')} does not run "${strange.trim()}": let it read ${document}, or name the test that does`
}
