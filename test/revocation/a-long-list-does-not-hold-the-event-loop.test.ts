import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import fc from 'fast-check'
import t from 'tap'
import { parseList } from '../../lib/revocation/list/list-file.js'
import { RevocationWatcher } from '../../lib/revocation/watch.js'

const key = (index: number): string => `tbs:sha256//${createHash('sha256').update(`${index}`).digest('base64')}`

/** The longest turn of the event loop during some work, in milliseconds. */
async function longestTurn (work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let last = performance.now()
  let isOver = false
  const turn = (): void => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await work()
  isOver = true
  turn()
  return longest
}

t.test('no turn of the event loop is long while a list of 100,000 keys is loaded and changed', async (t) => {
  const file = `${t.testdir()}/revoked.txt`
  const lines = Array.from({ length: 100_000 }, (_, index) => `${key(index)}\n`)
  await writeFile(file, lines.join(''))
  const watcher = await RevocationWatcher.start({ file })
  t.teardown(() => watcher.close())
  // Garbage collection and other processes make single turns longer, so the best of several counts.
  let longest = Infinity
  for (const added of [1, 2, 3]) {
    // All lines have other numbers then.
    lines.unshift(`${key(-added)}\n`)
    await writeFile(file, lines.join(''))
    longest = Math.min(longest, await longestTurn(() => watcher.reload()))
    t.equal(watcher.set.size, 100_000 + added)
  }
  // One processor took 350 ms for it in one go, and at most 20 ms in slices.
  t.ok(longest < 150, `${longest.toFixed()} ms`)
})

t.test('a list is split into the same lines, however many pieces it is read in', async () => {
  const part = fc.oneof(
    fc.constantFrom('\n', '\r', '\r\n', '\r\r\n', '\u2028', '\ufeff', '€', '😀.pem'),
    fc.string({ maxLength: 5, unit: fc.constantFrom('a', 'b', ' ', '€') }),
    fc.integer({ min: 65_500, max: 65_560 }).map((length) => 'x'.repeat(length)),
    fc.integer({ min: 8_000, max: 8_200 }).chain((count) => fc.constantFrom('a.pem\r\n', 'a.pem\r', '€.pem\n').map((line) => line.repeat(count)))
  )
  fc.assert(fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
    const text = parts.join('')
    const lines = text.replace(/^\ufeff/, '').split(/\r\n|[\n\r]/)
    const { entries, problems, lastLine } = parseList(Buffer.from(text), 'list')
    const found = new Map<number | undefined, string | undefined>([
      ...entries.map(({ line, value }) => [line, value] as const),
      ...problems.map((problem) => [(problem as Error & { line: number }).line, undefined] as const)
    ])
    for (const [index, raw] of lines.entries()) {
      const content = raw.trim()
      if (found.has(index + 1) !== (content !== '' && !content.startsWith('#'))) return false
      const value = found.get(index + 1)
      if (value !== undefined && value !== content) return false
    }
    const last = (lines.at(-1) as string).trim()
    return found.size <= lines.length && lastLine?.content === (last === '' || last.startsWith('#') ? undefined : last)
  }), { numRuns: 150 })
})
