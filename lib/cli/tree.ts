/** Writes a tree as lines: with branches if the terminal can show symbols, otherwise indented. */
import type { Style, Text } from './style.js'

export interface Tree {
  readonly label: Text
  readonly children?: readonly Tree[]
}

/** The lines of a tree, its root first. */
export function * linesOf (tree: Tree, style: Style): Generator<string> {
  yield * labelled(tree, style, '', '')
}

function * labelled ({ label, children = [] }: Tree, style: Style, first: string, rest: string): Generator<string> {
  const hanging = children.length > 0 && style.symbols ? '│  ' : '   '
  const lines = style.width === undefined ? [style.render(label)] : style.wrap(label, style.width - rest.length - hanging.length)
  for (const [index, line] of lines.entries()) yield index === 0 ? `${first}${line}` : `${rest}${hanging}${line}`
  for (const [index, child] of children.entries()) {
    const isLast = index === children.length - 1
    if (style.symbols) yield * labelled(child, style, `${rest}${isLast ? '└─ ' : '├─ '}`, `${rest}${isLast ? '   ' : '│  '}`)
    else yield * labelled(child, style, `${rest}  `, `${rest}  `)
  }
}

/** At most `most` children, and a last line for the number of the others. */
export function firstOf (children: readonly Tree[], most: number, more: (count: number) => Text): Tree[] {
  return children.length <= most ? [...children] : [...children.slice(0, most), { label: more(children.length - most) }]
}
