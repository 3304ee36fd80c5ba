/** Suggests a name for a misspelt one. */

// No name in use is longer, so a longer text is not near to any of them.
const LONGEST = 64

/**
 * The name nearest to `written`, if one is near: with letters missing, added, wrong or swapped, in any case. Of equally
 * near names, the first.
 */
export function nearest (written: string, names: Iterable<string>): string | undefined {
  if (written.length > LONGEST) return undefined
  let best: string | undefined
  let least = Infinity
  for (const name of names) {
    const steps = distance(written.toLowerCase(), name.toLowerCase())
    if (steps < least && steps <= Math.max(1, name.length / 4)) {
      best = name
      least = steps
    }
  }
  return best
}

/** The optimal string alignment distance: how many single steps lead from one text to the other. */
function distance (a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let steps = Math.min(
        cell(above, column) + 1,
        cell(current, column - 1) + 1,
        cell(above, column - 1) + (same ? 0 : 1)
      )
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (row > 1 && column > 1 && swapped) steps = Math.min(steps, cell(before, column - 2) + 1)
      current.push(steps)
    }
    before = above
    above = current
  }
  return cell(above, b.length)
}

function cell (row: number[], column: number): number {
  return row[column] ?? Infinity
}
