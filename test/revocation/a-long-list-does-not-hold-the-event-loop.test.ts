import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import fc from 'fast-check'
import t from 'tap'
import { type ListEntry, parseList, parseLongList } from '../../lib/revocation/list/list-file.js'
import { RevocationKeys } from '../../lib/revocation/set/keys.js'
import { ListContents } from '../../lib/revocation/set/list-contents.js'
import { RevocationWatcher } from '../../lib/revocation/watch.js'
import { Slices } from '../../lib/turns.js'
import { makeTestFolder } from '../support/test-folder.js'

const key = (index: number): string => `tbs:sha256//${createHash('sha256').update(`${index}`).digest('base64')}`

const identify = (index: number): { tbs: string } => ({ tbs: key(index).slice('tbs:'.length) })

/** The turns of the event loop during some work that waits for nothing else. */
async function turnsDuring (work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let isOver = false
  const turn = (): void => { if (!isOver) { turns++; setImmediate(turn) } }
  setImmediate(turn)
  await work()
  isOver = true
  return turns
}

const lines = Array.from({ length: 100_000 }, (_, index) => `${key(index)}\n`)

t.test('the event loop keeps turning while a list of 100,000 keys is parsed and its keys are changed', async (t) => {
  const bytes = Buffer.from(lines.join(''))
  let entries: readonly ListEntry[] = []
  // A slice takes a millisecond, and each of these took at least 20 of one processor.
  const parsing = await turnsDuring(async () => { ({ entries } = await parseLongList(bytes, 'list', {}, new Set(), new Slices())) })
  t.ok(parsing > 5, `${parsing} turns`)
  t.equal(entries.length, 100_000)
  let keys = RevocationKeys.none
  const adding = await turnsDuring(async () => { keys = (await ListContents.none.editKeys('/list', entries)).finish() })
  t.ok(adding > 5, `${adding} turns`)
  t.match(keys.find('tbs', identify(50_000).tbs), { line: 50_001 })
})

t.test('a change of a few lines changes the keys of these only', async (t) => {
  const parse = (lines: readonly string[]): readonly ListEntry[] => parseList(Buffer.from(lines.join('')), 'list').entries
  const edited = async (contents: ListContents, entries: readonly ListEntry[]): Promise<ListContents> =>
    contents.edit('/list', entries, true, { delay: 0, now: 0, clock: () => 0, isConfirming: false }, await contents.editKeys('/list', entries)).finish()
  const few = lines.slice(0, 10_000)
  const before = await edited(ListContents.none, parse(few))
  for (const [changed, least] of [
    [[...few, `${key(-1)}\n`], 0],
    [few.map((line, index) => index === 5000 ? `${key(-1)}\n` : line), 0],
    [[`${key(-1)}\n`, ...few], 9000]
  ] as const) {
    const after = await edited(before, parse(changed))
    t.ok(after.keys.isSameAs((await edited(ListContents.none, parse(changed))).keys))
    // Those that share no memory with the keys from before.
    const { length } = [...after.keys.unshared(before.keys)]
    t.ok(length >= least && (least > 0 || length < 1000), `${length}`)
  }
})

t.test('a list of 100,000 keys is put in force after each change', async (t) => {
  const file = `${makeTestFolder(t)}/revoked.txt`
  const all = [...lines]
  await writeFile(file, all.join(''))
  const watcher = await RevocationWatcher.start({ file })
  // A watcher does not keep the process alive.
  const hold = setInterval(() => {}, 1000)
  t.teardown(() => {
    clearInterval(hold)
    watcher.close()
  })
  // All lines have other numbers then.
  all.unshift(`${key(-1)}\n`)
  await writeFile(file, all.join(''))
  await watcher.reload()
  t.equal(watcher.set.size, 100_001)
  t.match(watcher.set.find({ ...identify(50_000), serial: '', spki: '' }), { kind: 'tbs', source: { line: 50_002 } })
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
  }), { numRuns: 50 })
})
