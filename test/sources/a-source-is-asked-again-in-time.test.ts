/** The headers of the answer and nextUpdate decide, within limits, when a CRL is requested again. */
import type { IncomingHttpHeaders } from 'node:http'
import t from 'tap'
import { kindOf } from '../../lib/revocation/sources/address-kind.js'
import { nextUpdateOf, waitFor } from '../../lib/revocation/sources/http/freshness.js'
import { sourceName, withoutCredentials } from '../../lib/revocation/sources/source-name.js'
import { makeCrl } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'

const NOW = Date.UTC(2030, 0, 1)
const date = new Date(NOW).toUTCString()
const HOUR = 3_600_000
const bounds = { floor: 30_000, ceiling: 3_600_000 }

t.test('the shortest time counts, within limits', async (t) => {
  const wait = (headers: IncomingHttpHeaders, nextUpdate?: number): number => waitFor(headers, nextUpdate, bounds, NOW, 0.5)
  t.equal(wait({ 'cache-control': 'public, max-age=600' }), 600_000)
  t.equal(wait({ 'cache-control': 'max-age=600', age: '500' }), 100_000)
  t.equal(wait({ 'cache-control': 'max-age=600', age: 'old' }), 600_000)
  t.equal(wait({ 'cache-control': 'max-age=600', expires: date, date }), 600_000, 'max-age takes precedence over Expires')
  t.equal(wait({ expires: new Date(NOW + 120_000).toUTCString(), date }), 120_000)
  t.equal(wait({ expires: new Date(NOW + 120_000).toUTCString() }), 120_000)
  t.equal(wait({ expires: new Date(NOW + 120_000).toUTCString(), date: 'never' }), 120_000)
  t.equal(wait({ expires: '0' }), 30_000)
  t.equal(wait({ 'cache-control': 'no-cache' }), 30_000)
  t.equal(wait({ 'cache-control': 'max-age=600' }, NOW + 60_000), 60_000)
  t.equal(wait({}, NOW - 60_000), 30_000)
  t.equal(wait({}, NOW + 1e12), 3_600_000)
  t.equal(wait({}), 3_600_000)
})

t.test('jitter keeps a fleet from sending its requests at the same time', async (t) => {
  t.equal(waitFor({}, NOW + 100_000, bounds, NOW, 0), 90_000)
  t.equal(waitFor({}, NOW + 100_000, bounds, NOW, 1), 110_000)
})

for (const [what, published, most] of [
  ['an hour before nextUpdate', -HOUR, { second: 0.002, minute: 0.03 }],
  ['at nextUpdate', 0, { second: 0.05, minute: 0.8 }]
] as const) {
  t.test(`of ten thousand nodes, at most a share fetches a CRL in the same second that is published ${what}`, async (t) => {
    const fetched: number[] = []
    const next = makeRandom()
    for (let node = 0; node < 10_000; node++) {
      // They have all read the last CRL within an hour, and each asks for the next one in times of its own.
      let now = NOW - 24 * HOUR + next() * HOUR
      while (now < NOW + published) now += waitFor({}, NOW, bounds, now, next())
      fetched.push(now - NOW)
    }
    t.ok(fetched.every((time) => time < published + 1.1 * HOUR), 'all have it in time')
    t.ok(busiest(fetched, 1000) < most.second, `${busiest(fetched, 1000)} in the busiest second`)
    t.ok(busiest(fetched, 60_000) < most.minute, `${busiest(fetched, 60_000)} in the busiest minute`)
  })
}

t.test('nextUpdate is found in DER and PEM, and nowhere else', async (t) => {
  const ca = await createAuthority()
  const nextUpdate = new Date(NOW)
  const entries = [{ serial: '01' }]
  for (const made of [makeCrl(ca, { nextUpdate, entries }), makeCrl(ca, { nextUpdate, version: 1 }), makeCrl(ca, { nextUpdate, generalizedTime: true })]) {
    t.equal(nextUpdateOf(made.der), NOW)
    t.equal(nextUpdateOf(Buffer.from(`by hand\n${made.pem}`)), NOW)
  }
  t.equal(nextUpdateOf(makeCrl(ca, { nextUpdate: null, entries }).der), undefined)
  t.equal(nextUpdateOf(ca.der), undefined)
  t.equal(nextUpdateOf(Buffer.from(ca.certificate)), undefined)
  t.equal(nextUpdateOf(makeCrl(ca).der.subarray(0, 20)), undefined)
})

t.test('an address has the kind of the network that it leads to', async (t) => {
  for (const [address, kind] of [
    ['127.0.0.2', 'loopback'], ['::1', 'loopback'], ['::ffff:127.0.0.1', 'loopback'], ['0.0.0.0', 'loopback'], ['::', 'loopback'],
    ['169.254.169.254', 'link-local'], ['fe80::1%eth0', 'link-local'],
    ['10.1.2.3', 'private'], ['172.31.0.1', 'private'], ['192.168.1.1', 'private'], ['100.64.0.1', 'private'], ['fd00::1', 'private'],
    ['64:ff9b::7f00:1', 'private'], ['::7f00:2', 'private'], ['::ffff:0:7f00:1', 'private'], ['::ffff:7f00:1', 'loopback'], ['2002:7f00:1::', 'private'], ['224.0.0.1', 'private'],
    ['172.32.0.1', 'public'], ['93.184.215.14', 'public'], ['2606:2800::1', 'public']
  ] as const) t.equal(kindOf(address), kind, address)
})

t.test('the name of a source holds no credentials', async (t) => {
  t.equal(sourceName('https://user:SECRET@crl.test:8443/a/b.crl?sig=SECRET#SECRET'), 'https://crl.test:8443/a/b.crl')
  t.equal(sourceName('nats:SECRET'), 'nats:…')
  t.equal(sourceName('http://%SECRET'), 'http:…')
  t.equal(sourceName('https://user:12/SECRET@crl.test/b.crl'), 'https://…')
  t.equal(sourceName('https://user:SE/CRET@crl.test/b.crl'), 'https:…')
  t.equal(sourceName('https://user:SE@CRET@crl.test/b.crl'), 'https://crl.test/b.crl')
  for (const [text, shown] of [
    ['at redis://user:SECRET/SECRET@db/0 and //SECRET@SECRET@db', 'at redis://db/0 and //db'],
    ['user:SECRET@db failed', 'db failed'],
    ['"https://u:SECRET@db/x"', '"https://db/x"'],
    ['password=SECRET//x@db', 'db'],
    ['https://u:SECRET?SECRET@db/x', 'https://...'],
    ['https://db/x?mail=a@SECRET&token=SECRET', 'https://...'],
    ['https://u:p@db/x#SECRET', 'https://db/x'],
    ['a b\tc\u202ed', 'a b c d'],
    [`${'x@ '.repeat(40_000)}https://u:SECRET@db`, ' '.repeat(300)]
  ] as const) t.equal(withoutCredentials(text), shown)
  t.notMatch(withoutCredentials(`${'x@ '.repeat(33_331)}u:SECRET${'y'.repeat(9)}@db`), /SECRET/, 'nor what is cut')
  t.equal(withoutCredentials('connect postgres://user:SECRET@db/x?password=SECRET\nfailed'), 'connect postgres://db/x failed')
})

/** Numbers from 0 to 1, the same ones each time (xorshift). */
function makeRandom (): () => number {
  let state = 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** The share of these times that is in the busiest span of so many milliseconds. */
function busiest (times: readonly number[], span: number): number {
  const counts = new Map<number, number>()
  for (const time of times) counts.set(Math.floor(time / span), (counts.get(Math.floor(time / span)) ?? 0) + 1)
  return Math.max(...counts.values()) / times.length
}
