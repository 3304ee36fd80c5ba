import fc from 'fast-check'
import t from 'tap'
import { PersistentMap } from '../../lib/revocation/set/persistent-map.js'
import { RevocationKeys } from '../../lib/revocation/set/keys.js'
import type { RevocationOrigin } from '../../types/revocation.js'

const isSame = (a: number, b: number): boolean => a === b

t.test('edits give the same result as a Map and leave earlier versions unchanged', async () => {
  const key = fc.nat(200).map(String)
  const step = fc.record({ kind: fc.constantFrom('set', 'add', 'delete'), key, value: fc.nat(3) })
  fc.assert(fc.property(fc.array(fc.array(step), { maxLength: 5 }), (rounds) => {
    let map = PersistentMap.empty<number>()
    const states: Array<[PersistentMap<number>, Map<string, number>]> = []
    for (const steps of rounds) {
      const edit = map.edit()
      const model = new Map(states.at(-1)?.[1])
      for (const { kind, key, value } of steps) {
        if (kind === 'set') edit.set(key, value)
        else if (kind === 'delete') edit.delete(key)
        else edit.add(key, value)
        if (kind === 'delete') model.delete(key)
        else if (kind === 'set' || !model.has(key)) model.set(key, value)
      }
      map = edit.finish()
      states.push([map, model])
    }
    return states.every(([map, model]) => map.size === model.size &&
      JSON.stringify([...map].sort()) === JSON.stringify([...model].sort()) &&
      [...model.keys()].every((key) => map.has(key) && map.get(key) === model.get(key)) && !map.has('none'))
  }), { numRuns: 300 })
})

t.test('thousands of entries are found, and adding one shares nearly all of them', async (t) => {
  const edit = PersistentMap.empty<number>().edit()
  for (let index = 0; index < 10_000; index++) edit.set(`key ${index}`, index)
  const map = edit.finish()
  t.equal(map.size, 10_000)
  for (let index = 0; index < 10_000; index += 97) t.equal(map.get(`key ${index}`), index)
  t.equal(new Set(map.keys()).size, 10_000)
  t.equal([...map.values()].reduce((sum, value) => sum + value), 49_995_000)
  const more = map.edit()
  more.set('one more', 1)
  t.notOk(more.finish().isSameAs(map, isSame))
  more.delete('one more')
  t.ok(more.finish().isSameAs(map, isSame))
  more.set('key 5', 6)
  t.notOk(more.finish().isSameAs(map, isSame))
  t.equal(map.get('key 5'), 5)
})

t.test('maps with the same entries are equal, however they were built', async (t) => {
  const grown = PersistentMap.empty<number>().edit()
  for (let index = 0; index < 100; index++) grown.set(String(index), index)
  for (let index = 3; index < 100; index++) grown.delete(String(index))
  const small = PersistentMap.empty<number>().edit()
  for (let index = 2; index >= 0; index--) small.set(String(index), index)
  t.ok(grown.finish().isSameAs(small.finish(), isSame))
})

const first: RevocationOrigin = { list: 'list', line: 1, file: 'b' }
const second: RevocationOrigin = { list: 'list', line: 2, file: 'a' }
const inline: RevocationOrigin = { file: 'a' }

t.test('a key stays while any source names it, and the first such source is reported', async (t) => {
  const edit = RevocationKeys.none.edit()
  for (const source of [inline, second, first]) edit.add({ kind: 'spki', value: 'x', source })
  const all = edit.finish()
  t.equal(all.find('spki', 'x'), first)
  t.equal(all.size, 1)
  const fewer = all.edit()
  fewer.remove({ kind: 'spki', value: 'x', source: { ...first } })
  fewer.remove({ kind: 'spki', value: 'y', source: first })
  const rest = fewer.finish()
  t.equal(rest.find('spki', 'x'), second)
  t.equal(all.find('spki', 'x'), first, 'the earlier content is unchanged')
  const last = rest.edit()
  last.remove({ kind: 'spki', value: 'x', source: second })
  t.equal(last.finish().find('spki', 'x'), inline)
  last.remove({ kind: 'spki', value: 'x', source: inline })
  t.equal(last.finish().find('spki', 'x'), undefined)
  t.equal(last.finish().size, 0)
})

t.test('a key that no source names any more is held until it is dropped or named again', async (t) => {
  const edit = RevocationKeys.none.edit()
  const of = (source: RevocationOrigin): { kind: 'tbs', value: string, source: RevocationOrigin } => ({ kind: 'tbs', value: 'x', source })
  edit.add(of(first))
  const before = edit.finish()
  const holding = before.edit()
  holding.remove(of(second), true)
  t.ok(holding.finish().isSameAs(before), 'that line did not name it')
  holding.remove(of(first), true)
  holding.remove(of(first))
  const held = holding.finish()
  t.equal(held.find('tbs', 'x'), first)
  t.ok(held.isSameAs(before), 'which is not a change')
  const dropping = held.edit()
  dropping.release('tbs', 'x', 'another')
  dropping.release('tbs', 'y', 'b')
  t.equal(dropping.finish().size, 1)
  dropping.release('tbs', 'x', 'b')
  t.equal(dropping.finish().size, 0)
  const again = held.edit()
  again.add(of(second))
  again.release('tbs', 'x', 'a')
  t.equal(again.finish().find('tbs', 'x'), second)
})

t.test('key sets are equal if they come from the same lines and files', async (t) => {
  const keysOf = (...sources: RevocationOrigin[]): RevocationKeys => {
    const edit = RevocationKeys.none.edit()
    for (const source of sources) edit.add({ kind: 'tbs', value: 'x', source })
    return edit.finish()
  }
  t.ok(keysOf(first).isSameAs(keysOf({ ...first })))
  t.ok(keysOf(first, second).isSameAs(keysOf(second, first)))
  t.notOk(keysOf(first).isSameAs(keysOf(second)))
  t.notOk(keysOf(first, second).isSameAs(keysOf(first)))
  t.notOk(keysOf(first).isSameAs(keysOf(first, second)))
  t.notOk(keysOf(first, second).isSameAs(keysOf(first, inline)))
})
