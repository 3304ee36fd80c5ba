/** The code blocks of the README and of docs/. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

export interface Block {
  /** `docs/deploying.md:12`, the line of its first fence. */
  readonly where: string
  /** What stands behind the fence; empty where nothing does. */
  readonly language: string
  readonly text: string
  /** The block before it in its document. */
  readonly before: Block | undefined
}

/** All blocks, in order; what a list indents is as in the text. */
export function readBlocks (): Block[] {
  const documents = ['README.md', ...readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]
  return documents.flatMap((document) => {
    const source = readFileSync(join(ROOT, document), 'utf8')
    const blocks: Block[] = []
    for (const match of source.matchAll(/^( *)```(\w*)\n([^]*?)^\1```$/gm)) {
      const [, indent = '', language = '', text = ''] = match
      const line = source.slice(0, match.index).split('\n').length
      blocks.push({ where: `${document}:${line}`, language, text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''), before: blocks.at(-1) })
    }
    return blocks
  })
}
