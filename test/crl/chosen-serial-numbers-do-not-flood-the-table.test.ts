import { randomBytes } from 'node:crypto'
import t from 'tap'
import { halfSipHash } from '../../lib/half-sip-hash.js'
import { type SerialTable, SerialTableBuilder } from '../../lib/revocation/crl/serial-table.js'

const COUNT = 2000
const BYTES = 8
const WORDS = 2

function tableOf (serials: readonly Buffer[]): SerialTable {
  const builder = new SerialTableBuilder(serials.length, serials.length * WORDS, false)
  for (const serial of serials) builder.add(serial, 0, serial.length, 0, 1, 0)
  return builder.build()
}

/** The most slots that a search may visit: the longest run of occupied slots. */
function longestSearch ({ arrays: { tags } }: SerialTable): number {
  let longest = 0
  for (let place = 0, length = 0; place < 2 * tags.length; place++) {
    length = tags[place % tags.length] === 0 ? 0 : length + 1
    longest = Math.max(longest, length)
  }
  return longest
}

/** Serial numbers that all hash to the first slot of a table with the key. */
function collisionsUnder ({ arrays: { key, tags } }: SerialTable): Buffer[] {
  const found: Buffer[] = []
  const words = new Int32Array(WORDS)
  const serial = Buffer.from(words.buffer)
  for (let high = 0; found.length < COUNT; high++) {
    words[0] = high
    for (let low = 0; low < 1_000_000 && found.length < COUNT; low++) {
      words[1] = low
      if ((halfSipHash(key, words, WORDS, BYTES) & (tags.length - 1)) === 0) found.push(Buffer.from(serial))
    }
  }
  return found
}

const random = tableOf(Array.from({ length: COUNT }, () => randomBytes(BYTES)))

t.test('serial numbers that collide under one key are spread under another', async (t) => {
  const victim = tableOf([])
  // As large as the table of these serial numbers.
  const chosen = collisionsUnder({ arrays: { ...victim.arrays, tags: random.arrays.tags } } as SerialTable)
  const table = tableOf(chosen)
  t.equal(table.size, COUNT)
  t.ok(longestSearch(table) < 10 * longestSearch(random), `${longestSearch(table)} places at the most, ${longestSearch(random)} with random numbers`)
  t.equal(chosen.every((serial) => table.find(serial, 0, BYTES, 0)?.reason === 1), true)
})

t.test('each table has a key of its own', async (t) => {
  const keys = new Set(Array.from({ length: 100 }, () => tableOf([]).arrays.key.join()))
  t.equal(keys.size, 100)
})

t.test('the hash depends on all of its input', async (t) => {
  const key = Uint32Array.of(0x03020100, 0x07060504)
  const words = Int32Array.from({ length: 64 }, (_, index) => index)
  const seen = new Set<number>()
  for (let end = 0; end < 64; end++) for (const last of [0, 1, 2 ** 31]) seen.add(halfSipHash(key, words, end, last))
  t.equal(seen.size, 64 * 3)
  t.not(halfSipHash(key, words, 8, 0), halfSipHash(Uint32Array.of(1, 2), words, 8, 0))
  t.not(halfSipHash(key, words, 8, 0), halfSipHash(key, words.subarray(4), 8, 0))
})
