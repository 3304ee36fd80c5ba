/** The copy of a large set is not written again for each change: changes are added to it. */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CachedCopy } from '../../lib/revocation/sources/cached-copy.js'
import { type Key, KeyTable, textOf } from '../../lib/revocation/set/key-table.js'
import { makeTestFolder } from '../support/test-folder.js'

const LINE = 'app:set'
const LIMIT = 10_000_000

function key (index: number): Key {
  const value = `sha256//${createHash('sha256').update(`${index}`).digest('base64')}`
  return index % 7 === 0 ? { kind: 'serial', value: `4a@${value}` } : { kind: index % 2 === 0 ? 'tbs' : 'spki', value }
}

interface State {
  readonly version: string
  readonly keys: ReadonlySet<number>
}

function range (from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

async function write (copy: CachedCopy, { version, keys }: State): Promise<void> {
  const prepared = await copy.prepare({ tables: [await KeyTable.of([...keys].map(key))], problems: [], version })
  await prepared.commit()
}

/** What a process reads that starts now. */
async function stored (folder: string): Promise<{ version: string | undefined, keys: string[] } | undefined> {
  const content = await new CachedCopy(folder, LINE, LIMIT).read()
  return content === undefined ? undefined : { version: content.version, keys: [...content.keys ?? []].sort() }
}

function asStored ({ version, keys }: State): { version: string, keys: string[] } {
  return { version, keys: [...keys].map((index) => textOf(key(index))).sort() }
}

async function start (t: Test): Promise<{ folder: string, copy: CachedCopy, path: () => Promise<string> }> {
  const folder = makeTestFolder(t, {})
  const path = async (): Promise<string> => join(folder, (await readdir(folder))[0] as string)
  return { folder, copy: new CachedCopy(folder, LINE, LIMIT), path }
}

/** A set, and two changes of it. */
const STATES: State[] = [
  { version: '1', keys: new Set(range(0, 100)) },
  { version: '2', keys: new Set(range(0, 105)) },
  { version: '5', keys: new Set(range(3, 106)) }
]

t.test('a start reads the set with all of its changes, and the file is not written again', async (t) => {
  const { folder, copy, path } = await start(t)
  let inode: number | undefined
  for (const state of STATES) {
    await write(copy, state)
    t.same(await stored(folder), asStored(state))
    const { ino } = await stat(await path())
    inode ??= ino
    t.equal(ino, inode)
  }
})

t.test('a file that was cut off or damaged holds an earlier state, or none, and never half of a change', async (t) => {
  const { folder, copy, path } = await start(t)
  const sizes: number[] = []
  for (const state of STATES) {
    await write(copy, state)
    sizes.push((await stat(await path())).size)
  }
  const whole = await readFile(await path())
  const [first = 0, second = 0] = sizes
  for (let size = first; size < whole.length; size += 17) {
    await writeFile(await path(), whole)
    await truncate(await path(), size)
    t.same(await stored(folder), asStored(STATES[size < second ? 0 : 1] as State), `${size} bytes`)
  }
  for (let at = first; at < whole.length; at += 37) {
    const damaged = Buffer.from(whole)
    damaged[at] = (damaged[at] as number) ^ 1
    await writeFile(await path(), damaged)
    const found = await stored(folder)
    t.ok(STATES.some((state) => JSON.stringify(asStored(state)) === JSON.stringify(found)), `byte ${at}`)
  }
})

t.test('a change of another process that began from another state is not applied', async (t) => {
  const { folder, copy } = await start(t)
  const [one, two, three] = STATES as [State, State, State]
  await write(copy, one)
  const other = new CachedCopy(folder, LINE, LIMIT)
  await write(other, three)
  // To the file of the other process.
  await write(copy, two)
  t.same(await stored(folder), asStored(three))
})

t.test('a large change writes the file again', async (t) => {
  const { folder, copy, path } = await start(t)
  await write(copy, STATES[0] as State)
  const before = await stat(await path())
  const state = { version: '9', keys: new Set(range(5000, 9000)) }
  await write(copy, state)
  t.same(await stored(folder), asStored(state))
  t.not((await stat(await path())).ino, before.ino)
})

t.test('many small changes write the file again when they are long', async (t) => {
  const { folder, copy, path } = await start(t)
  const inodes = new Set<number>()
  let state: State | undefined
  for (let round = 0; round < 12; round++) {
    state = { version: `${round}`, keys: new Set(range(round * 200, 2000 + round * 200)) }
    await write(copy, state)
    inodes.add((await stat(await path())).ino)
  }
  t.same(await stored(folder), asStored(state as State))
  t.ok(inodes.size > 1 && inodes.size < 6, `${inodes.size} files`)
})
