import { EventEmitter, once } from 'node:events'
import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { expiringCrls } from '../../lib/revocation/crl/expiry.js'
import { loadCrls, makeCrl } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'
import { startWatcher } from '../support/watching.js'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
const START = Date.parse('2026-01-01T00:00:00Z')
const root = await createAuthority({ name: 'Root' })

/** A log that emits an event for each line. */
class Warnings extends EventEmitter {
  readonly lines: string[] = []
  info (): void {}
  warn (details: object, message: string): void {
    this.#write('warn', details, message)
  }

  error (details: object, message: string): void {
    this.#write('error', details, message)
  }

  #write (level: string, details: object, message: string): void {
    this.lines.push(`${level} ${JSON.stringify(details)} ${message}`)
    this.emit('line')
  }
}

for (const [life, lead] of [[10 * DAY, 2 * DAY], [4 * DAY, DAY], [2 * DAY, DAY], [40 * HOUR, 8 * HOUR], [5 * HOUR, HOUR]] as const) {
  t.test(`a CRL with a lifetime of ${life / HOUR} hours causes one warning ${lead / HOUR} hours before it expires and one when it expires, however many reloads there are`, async (t) => {
    const log = new Warnings()
    const clock = { now: START }
    const watcher = await start(t, log, clock, START + life)
    for (const [time, count] of [[START + life - lead, 0], [START + life - lead + 1, 1], [START + life, 1], [START + life + 1, 2], [START + 2 * life, 2]] as const) {
      clock.now = time
      for (let again = 0; again < 2; again++) await watcher.reload()
      t.equal(log.lines.length, count)
    }
    t.match(log.lines[0], /^warn .*"nextUpdate":"2026.*expires soon: publish a newer one/)
    t.match(log.lines[1], /^error .*has expired: publish a newer one/)
  })
}

async function start (t: Test, log: Warnings, clock: { now: number }, end: number, begin = START): Promise<Awaited<ReturnType<typeof startWatcher>>> {
  const folder = makeTestFolder(t, { 'revoked.txt': 'root.crl\n', 'root.crl': makeCrl(root, { thisUpdate: new Date(begin), nextUpdate: new Date(end) }).der })
  return await startWatcher(t, { file: `${folder}/revoked.txt`, authorities: new Authorities([root.x509]), now: () => new Date(clock.now), log })
}

t.test('the warning comes in time without a reload', async (t) => {
  const log = new Warnings()
  const holding = setTimeout(() => {}, 30_000)
  const second = Math.floor(Date.now() / 1000) * 1000
  const clock = { get now () { return Date.now() } }
  await start(t, log, clock, second + 2000, second - 8000)
  while (log.lines.length < 2) await once(log, 'line')
  t.ok(Date.now() > second + 2000)
  t.match(log.lines, [/expires soon/, /has expired/])
  clearTimeout(holding)
})

t.test('a newer CRL causes a warning of its own', async (t) => {
  const log = new Warnings()
  const clock = { now: START + 9 * DAY }
  const watcher = await start(t, log, clock, START + 10 * DAY)
  t.equal(log.lines.length, 1)
  writeFileSync(watcher.set.crls.crls[0]?.source.file ?? '', makeCrl(root, { number: 2, thisUpdate: new Date(START), nextUpdate: new Date(START + 20 * DAY) }).der)
  await watcher.reload()
  t.equal(log.lines.length, 1)
  clock.now = START + 17 * DAY
  await watcher.reload()
  t.match(log.lines, [/expires soon/, /expires soon/])
})

t.test('a CRL that has expired before the start causes a warning at once', async (t) => {
  const log = new Warnings()
  await start(t, log, { now: START + 11 * DAY }, START + 10 * DAY)
  t.match(log.lines, [/has expired/])
})

t.test('a CRL without nextUpdate never causes a warning', async (t) => {
  const { crls } = (await loadCrls(t, [root], [makeCrl(root, { nextUpdate: null })])).crls
  t.equal(crls.length, 1)
  t.same(expiringCrls(crls), [])
})

t.test('the log holds no control characters from a file name', async (t) => {
  const log = new Warnings()
  const folder = makeTestFolder(t, { 'revoked.txt': '*.crl\n' })
  writeFileSync(`${folder}/a\u009b31m\u202e.crl`, makeCrl(root, { thisUpdate: new Date(START), nextUpdate: new Date(START + DAY) }).der)
  await startWatcher(t, { file: `${folder}/revoked.txt`, authorities: new Authorities([root.x509]), now: () => new Date(START + DAY - 1), log })
  t.equal(log.lines.length, 1)
  t.notMatch(log.lines[0], /[\u009b\u202e]/)
})
