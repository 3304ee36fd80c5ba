import { randomBytes } from 'node:crypto'
import t from 'tap'
import { LONGEST_SERIAL, NO_REASON, type SerialTable, SerialTableBuilder, wordsOf } from '../../lib/revocation/crl/serial-table.js'

/** The first second of GeneralizedTime, the Unix epoch, and the last second. */
const TIMES = ['0000-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z'].map(Date.parse)
const lengths = Array.from({ length: LONGEST_SERIAL + 20 }, (_, index) => index + 1)

interface Row { serial: Buffer, seconds: number, reason: number, issuer: number }

function tableOf (rows: readonly Row[], byIssuer: boolean): SerialTable {
  const builder = new SerialTableBuilder(rows.length, rows.reduce((sum, { serial }) => sum + wordsOf(serial.length), 0), byIssuer)
  for (const { serial, seconds, reason, issuer } of rows) builder.add(serial, 0, serial.length, seconds, reason, issuer)
  return builder.build()
}

for (const byIssuer of [false, true]) {
  t.test(byIssuer ? 'a table with issuers finds serial numbers of every length' : 'a table of one issuer finds serial numbers of every length', async (t) => {
    const rows = lengths.flatMap((length, index): Row[] => [Buffer.alloc(length), randomBytes(length).fill(0x55, 0, 1), Buffer.alloc(length, 0xff)].map((serial, kind) => ({
      serial, seconds: (TIMES[kind] ?? 0) / 1000, reason: [NO_REASON, 0, 10][kind] ?? 0, issuer: byIssuer ? index * 390 : 0
    })))
    const table = tableOf(rows, byIssuer)
    t.equal(table.size, rows.length)
    const wrong = rows.filter(({ serial, seconds, reason, issuer }) => {
      const found = table.find(Buffer.concat([Buffer.of(1, 2, 3), serial, Buffer.of(4)]), 3, 3 + serial.length, issuer)
      return found?.reason !== reason || found.revokedAt !== seconds * 1000
    })
    t.same(wrong, [])
    const others = rows.filter(({ serial, issuer }) => {
      const changed = Buffer.from(serial)
      changed[serial.length - 1] = (changed.at(-1) as number) ^ 0x81
      return table.find(changed, 0, changed.length, issuer) !== undefined || table.find(serial, 0, serial.length, issuer + 1) !== undefined
    })
    t.same(others, [])
    t.equal(table.find(Buffer.alloc(1000), 0, 1000, 0), undefined)
    t.equal(table.find(Buffer.alloc(0), 0, 0, 0), undefined)
  })
}

t.test('the first entry of a serial number counts, unless it is a removal', async (t) => {
  const rows = [[8, 1], [1, 2], [3, 3]].map(([reason = 0, seconds = 0]) => ({ serial: Buffer.of(7, 7, 7), seconds, reason, issuer: 0 }))
  const table = tableOf(rows, false)
  t.equal(table.size, 1)
  t.same(table.find(Buffer.of(7, 7, 7), 0, 3, 0), { reason: 1, revokedAt: 2000 })
})

t.test('a large table has its own memory, which returns to the system with it', async (t) => {
  const rows = (count: number): Row[] => Array.from({ length: count }, () => ({ serial: randomBytes(16), seconds: 0, reason: 0, issuer: 0 }))
  const sizeOf = ({ arrays: { records } }: SerialTable): number => records.buffer.byteLength
  // Above this size glibc takes memory from the system and returns it page by page.
  t.ok(sizeOf(tableOf(rows(100_000), false)) > 32 * 1024 * 1024)
  // For a small table that would be more memory than it needs.
  t.equal(sizeOf(tableOf(rows(100), false)), 100 * 6 * 4 + 256 * 5)
})
