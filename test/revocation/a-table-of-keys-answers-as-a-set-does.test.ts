import fc from 'fast-check'
import t from 'tap'
import { createHash } from 'node:crypto'
import { type Key, KeyTable, textOf } from '../../lib/revocation/set/key-table.js'
import { RevocationKeys } from '../../lib/revocation/set/keys.js'
import { SetKeys } from '../../lib/revocation/set/set-keys.js'

function keyOf (index: number): Key {
  const value = `sha256//${createHash('sha256').update(`${index}`).digest('base64')}`
  // All of its words are zero, as in memory that was never written.
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
        return [...one.notIn(other)].flatMap((key) => key ?? []).map(textOf).sort().join() === [...model].filter((key) => !theirs.has(key)).sort().join()
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
  t.same([...whole.notIn(table)].filter((key) => key !== undefined), [])
  t.ok((await (await KeyTable.of(keys.slice(0, 10))).sharing(table)).hasKey(keyOf(3)), 'also with a table of another size')
})

t.test('a table can be changed in two ways, and none sees the changes of the other', async (t) => {
  const keys = Array.from({ length: 6000 }, (_, index) => keyOf(index))
  const [half, rest] = [keys.slice(0, 5000), keys.slice(5000)]
  const table = await KeyTable.of(half)
  const changed = (from: KeyTable, added: readonly Key[], removed: readonly Key[]): KeyTable => {
    const edit = from.edit()
    for (const key of added) edit.add(key)
    for (const key of removed) edit.delete(key)
    return edit.finish()
  }
  const one = changed(table, rest.slice(0, 500), half.slice(0, 10))
  const again = changed(one, half.slice(0, 10), [])
  const removedAgain = changed(again, [], half.slice(0, 5))
  const other = changed(table, rest.slice(500), half.slice(10, 20))
  const third = changed(again, rest.slice(500), [])
  const expected: ReadonlyArray<readonly [KeyTable, (index: number) => boolean]> = [
    [table, (index) => index < 5000],
    [one, (index) => index >= 10 && index < 5500],
    [again, (index) => index < 5500],
    [removedAgain, (index) => index >= 5 && index < 5500],
    [other, (index) => index < 10 || (index >= 20 && index < 5000) || index >= 5500],
    [third, (index) => index < 6000]
  ]
  for (const [state, has] of expected) {
    t.equal(state.size, keys.filter((_, index) => has(index)).length)
    t.ok(keys.every((key, index) => state.hasKey(key) === has(index)))
    for (const [another, theirs] of expected) {
      const lacking = [...state.notIn(another)].flatMap((key) => key ?? []).map(textOf).sort()
      t.same(lacking, keys.filter((_, index) => has(index) && !theirs(index)).map(textOf).sort())
      t.equal(state.isSameAs(another), state === another)
    }
  }
})

t.test('a table that has lost many keys takes no memory for them', async (t) => {
  const keys = Array.from({ length: 9000 }, (_, index) => keyOf(index))
  const table = await KeyTable.of(keys)
  t.equal(await table.compact(), table)
  const edit = table.edit()
  for (const key of keys.slice(0, 6000)) edit.delete(key)
  const fewer = edit.finish()
  const compact = await fewer.compact()
  t.not(compact, fewer)
  t.ok(compact.isSameAs(fewer) && fewer.isSameAs(compact))
  t.ok(keys.every((key, index) => compact.hasKey(key) === (index >= 6000)))
})

t.test('a table that was read again shares memory with the former one, if they are nearly the same', async (t) => {
  const keys = Array.from({ length: 3000 }, (_, index) => keyOf(index))
  const former = await KeyTable.of(keys.slice(0, 2990))
  const now = await KeyTable.of(keys.slice(10).toReversed())
  const shared = await now.sharing(former)
  t.ok(shared.isSameAs(now) && now.isSameAs(shared))
  t.ok(keys.every((key, index) => shared.hasKey(key) === (index >= 10) && former.hasKey(key) === (index < 2990)))
  let last = await KeyTable.of(keys)
  for (let round = 0; round < 60; round++) {
    const [from, to] = [round * 50 % 1500, 1500 + round * 50 % 1500]
    const next = await (await KeyTable.of(keys.slice(from, to))).sharing(last)
    t.equal(next.size, 1500)
    t.ok(next.hasKey(keys[from] as Key) && next.hasKey(keys[to - 1] as Key) && !next.hasKey(keys[to] ?? keyOf(-1)), 'again and again')
    last = next
  }
  const few = await KeyTable.of(keys.slice(0, 100))
  t.ok((await few.sharing(former)).isSameAs(few), 'or are the same all the same')
})

t.test('a value in another form is no digest', async (t) => {
  const [digest] = 'sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='.split(' ') as [string]
  const table = await KeyTable.of([{ kind: 'tbs', value: digest }])
  const edit = table.edit()
  for (const other of [
    digest.replace('U=', 'V='), digest.replace('7', '-'), digest.replace('7', '\u0137'), digest.replace('7', '\u00b7'), digest.replace('=', 'A'),
    digest.replace('sha256', 'sha512'), digest.slice(1), `${digest}=`
  ]) {
    t.notOk(table.has('tbs', other), other)
    t.equal(edit.addLine(`tbs:${other}`), undefined, other)
    t.equal(edit.deleteLine(`spki:${other}`), undefined, other)
  }
  t.equal(edit.deleteLine('serial:4a'), undefined)
  t.equal(edit.deleteLine(`tbs:${digest}`), true)
  t.equal(edit.addLine(`spki:${digest}`), true)
  t.same([...edit.finish()], [`spki:${digest}`])
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
