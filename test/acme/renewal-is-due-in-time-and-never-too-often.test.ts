/** When a certificate is renewed, and when a failed order is repeated: by the clock that is given. */
import t from 'tap'
import { certificateId, issuanceLimit, nextWindow, notBefore, recentlyIssued, renewalTime, retryAfterOf, waitAfter } from '../../lib/acme/renewal.js'
import { createAuthority, Extension } from '../support/pki.js'
import { element } from '../support/der.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-06-01T00:00:00Z')

const ca = await createAuthority({ name: 'CA' })
const issue = async (days: number): Promise<{ x509: (typeof ca)['x509'], begins: number }> => {
  const { x509 } = await ca.issue({ name: 'example.org', usage: 'server', dnsNames: ['example.org'], notBefore: new Date(NOW), notAfter: new Date(NOW + days * DAY) })
  return { x509, begins: NOW }
}

t.test('a certificate is renewed after about two thirds of its life', async (t) => {
  const times = new Set<number>()
  for (const days of [1, 6, 47, 90, 398]) {
    for (let i = 0; i < 5; i++) {
      const { x509, begins } = await issue(days)
      const share = (renewalTime(x509, undefined) - begins) / (days * DAY)
      t.ok(share > 0.61 && share <= 2 / 3, `${days} days: after ${share}`)
      times.add(share)
      t.equal(renewalTime(x509, undefined), renewalTime(x509, undefined), 'all nodes agree')
    }
  }
  t.ok(times.size > 20, 'and not all at once')
})

t.test('the window that the directory suggests comes first', async (t) => {
  const { x509, begins } = await issue(90)
  const certificate = certificateId(x509) as string
  const within = renewalTime(x509, { certificate, start: begins + 10 * DAY, end: begins + 12 * DAY, next: 0 })
  t.ok(within >= begins + 10 * DAY && within <= begins + 12 * DAY)
  t.ok(renewalTime(x509, { certificate, start: NOW - 5 * DAY, end: NOW - DAY, next: 0 }) < NOW, 'a window in the past means now')
  t.equal(renewalTime(x509, { certificate: 'another', start: NOW, end: NOW + 1, next: 0 }), renewalTime(x509, undefined), 'that of another certificate does not count')
  t.equal(renewalTime(x509, { certificate, next: 0 }), renewalTime(x509, undefined), 'a directory may have none')
  t.equal(renewalTime(x509, { certificate, start: begins + 400 * DAY, end: begins + 500 * DAY, next: 0 }), begins + 81 * DAY, 'a window after the end of its life does not let it expire')
})

t.test('the identifier of a certificate is the one of RFC 9773 section 4.1', async (t) => {
  const keyId = Buffer.from('69885B6B87464041E1B37B847BA0AE2CDE01C8D4', 'hex')
  const { x509 } = await ca.issue({
    name: 'example.org', serial: '0087654321', keyIdentifiers: false, extensions: [new Extension('2.5.29.35', false, element(0x30, element(0x80, keyId)))]
  })
  t.equal(certificateId(x509), 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE')
  t.equal(certificateId((await ca.issue({ name: 'example.org', keyIdentifiers: false })).x509), undefined)
})

t.test('renewal information is asked for again as the directory says, within limits', (t) => {
  t.equal(nextWindow(NOW, undefined), NOW + 6 * HOUR)
  t.equal(nextWindow(NOW, 1), NOW + 60_000)
  t.equal(nextWindow(NOW, 30 * DAY), NOW + DAY)
  t.end()
})

t.test('Retry-After is read as seconds or as a date', (t) => {
  t.equal(retryAfterOf('120', NOW), 120_000)
  t.equal(retryAfterOf('Mon, 01 Jun 2026 01:00:00 GMT', NOW), HOUR)
  t.equal(retryAfterOf('Sun, 31 May 2026 01:00:00 GMT', NOW), undefined)
  t.equal(retryAfterOf('9'.repeat(9), NOW), 7 * DAY)
  t.equal(retryAfterOf('9'.repeat(400), NOW), 7 * DAY, 'for ever is as long as possible')
  for (const wrong of [undefined, '', 'soon', '-1', '1e9']) t.equal(retryAfterOf(wrong, NOW), undefined, String(wrong))
  t.end()
})

t.test('failures wait longer and longer, at least as long as the directory says', (t) => {
  let sum = 0
  for (let failures = 1; failures <= 6; failures++) {
    sum += waitAfter(failures, { isValidation: true })
    if (failures === 5) t.ok(sum > HOUR, 'at most five failed validations within an hour')
  }
  t.ok(waitAfter(1, { isValidation: false }) < 60_000)
  t.ok(waitAfter(1000, { isValidation: false }) <= 1.2 * HOUR)
  t.ok(waitAfter(1000, { isValidation: true }) <= 1.2 * DAY / 2)
  t.equal(waitAfter(1, { isValidation: false, retryAfter: DAY }), DAY)
  t.equal(waitAfter(1, { isValidation: false, retryAfter: 400 * DAY }), 7 * DAY, 'but not for ever')
  t.end()
})

t.test('a clock that was set back lets a wait end when all of it has passed in this process', (t) => {
  const state = { failures: 1, failedAt: NOW, wait: HOUR, issued: [] }
  t.equal(notBefore(state, NOW + 60_000, 60_000), NOW + HOUR)
  t.equal(notBefore(state, NOW + 60_000, 0), NOW + HOUR, 'a restart changes nothing')
  t.ok(notBefore(state, NOW - 365 * DAY, HOUR - 1) > NOW - 365 * DAY)
  t.equal(notBefore(state, NOW - 365 * DAY, HOUR), NOW - 365 * DAY)
  t.equal(notBefore({ failures: 0, issued: [] }, NOW, 0), 0)
  t.end()
})

t.test('five certificates a week are the limit, and for short-lived ones five within their life', (t) => {
  const issued = [1, 2, 3, 4, 5].map((day) => NOW - day * DAY).reverse()
  t.equal(issuanceLimit({ failures: 0, issued }, NOW, 90 * DAY), NOW + 2 * DAY)
  t.equal(issuanceLimit({ failures: 0, issued }, NOW, Infinity), NOW + 2 * DAY, 'when there is none at all')
  t.equal(issuanceLimit({ failures: 0, issued }, NOW, 6 * DAY), NOW + DAY)
  t.equal(issuanceLimit({ failures: 0, issued }, NOW, 3 * DAY), 0)
  t.equal(issuanceLimit({ failures: 0, issued: issued.slice(1) }, NOW, 90 * DAY), 0)
  t.equal(issuanceLimit({ failures: 0, issued }, NOW - 365 * DAY, 90 * DAY), 0, 'what is in the future does not count')
  t.same(recentlyIssued([NOW - 8 * DAY, ...issued], NOW), [...issued, NOW])
  t.end()
})
