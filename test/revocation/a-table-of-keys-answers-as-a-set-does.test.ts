import fc from 'fast-check'
import t from 'tap'
import { createHash } from 'node:crypto'
import { type Key, KeyTable, textOf } from '../../lib/revocation/set/key-table.js'
import { RevocationKeys } from '../../lib/revocation/set/keys.js'
import { SetKeys } from '../../lib/revocation/set/set-keys.js'

function keyOf (index: number): Key {
  const value = `sha256//${createHash('sha256').update(`${index}`).digest('base64')}`
  // The first word of one is zero, which a table of digests cannot hold.
  if (index === 7) return { kind: 'tbs', value: `sha256//${Buffer.alloc(32).toString('base64')}` }
  if (index % 5 === 0) return { kind: 'serial', value: `4a@${value}` }
  return { kind: index % 5 === 1 ? 'spki' : 'tbs', value }
}

function same (table: KeyTable, model: ReadonlySet<string>): boolean {
  return table.size === model.size && [...table].sort().join() === [...model].sort().join()
}

t.test('edits give the same result as a Set, and leave earlier versions unchanged', async () => {
  const step = fc.record({ isAdded: fc.boolean(), index: fc.nat(400) })
  fc.assert(fc.property(fc.array(fc.array(step, { maxLength: 400 }), { maxLength: 4 }), (rounds) => {
    let table = KeyTable.empty
    const states: Array<[KeyTable, Set<string>]> = [[table, new Set()]]
    for (const steps of rounds) {
      const edit = table.edit()
      const model = new Set(states.at(-1)?.[1])
      for (const { isAdded, index } of steps) {
        const key = keyOf(index)
        const isOther = isAdded ? !model.has(textOf(key)) : model.delete(textOf(key))
        if (isAdded) model.add(textOf(key))
        if ((isAdded ? edit.add(key) : edit.delete(key)) !== isOther || edit.size !== model.size) return false
      }
      table = edit.finish()
      states.push([table, model])
    }
    return states.every(([table, model]) => same(table, model) && table.isSameAs(table.edit().finish())) &&
      states.every(([one, model], index) => {
        const [other, theirs] = states[index - 1] ?? [KeyTable.empty, new Set()]
        return [...one.notIn(other)].map(textOf).sort().join() === [...model].filter((key) => !theirs.has(key)).sort().join()
      })
  }), { numRuns: 100 })
})

t.test('thousands of keys are found, and a change shares nearly all of them', async (t) => {
  const keys = Array.from({ length: 20_000 }, (_, index) => keyOf(index))
  const table = await KeyTable.of(keys, keys.length)
  t.equal(table.size, 20_000)
  t.ok(keys.every((key) => table.hasKey(key)))
  t.notOk(table.hasKey(keyOf(-1)) || table.has('tbs', 'sha256//short') || table.has('spki', ''))
  const again = await KeyTable.of(keys.toReversed())
  t.ok(again.isSameAs(table))
  const edit = table.edit()
  for (const key of keys.slice(0, 15_000)) edit.delete(key)
  const fewer = edit.finish()
  t.ok(keys.every((key, index) => fewer.hasKey(key) === (index >= 15_000)))
  t.notOk(fewer.isSameAs(table))
  const more = fewer.edit()
  for (const key of keys) more.add(key)
  const whole = await more.finish().sharing(table)
  t.ok(whole.isSameAs(table) && table.isSameAs(whole))
  t.same([...whole.notIn(table)], [])
  t.ok((await (await KeyTable.of(keys.slice(0, 10))).sharing(table)).hasKey(keyOf(3)), 'also with a table of another size')
})

t.test('a key of a set counts once, however many lines and sources state it', async () => {
  const part = fc.array(fc.nat(30), { maxLength: 40 })
  const state = fc.record({ list: part, sources: fc.array(part, { maxLength: 3 }) })
  await fc.assert(fc.asyncProperty(fc.array(state, { maxLength: 4 }), async (states) => {
    let keys = SetKeys.none
    for (const { list, sources } of states) {
      const listed = RevocationKeys.none.with(list.map((index) => ({ ...keyOf(index), source: { line: 2 } })))
      const tables = await Promise.all(sources.map(async (part) => await KeyTable.of(part.map(keyOf))))
      keys = await SetKeys.of(listed, tables.map((table, index) => ({ table, source: { line: index + 1 } })), keys)
      const stated = new Map<number, number>()
      for (const [line, part] of [[2, list], ...sources.map((part, index) => [index + 1, part] as const)] as const) {
        for (const index of part) stated.set(index, Math.min(stated.get(index) ?? Infinity, line))
      }
      if (keys.size !== stated.size) return false
      for (let index = 0; index <= 30; index++) {
        const { kind, value } = keyOf(index)
        if (keys.find(kind, value)?.line !== stated.get(index)) return false
      }
    }
    return true
  }), { numRuns: 200 })
})
