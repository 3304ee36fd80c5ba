/**
 * Certificates with hostile keys in a file that the list names, and in what a source says.
 * Each place has a process of its own, so that it is seen if one ends over a key.
 */
import t from 'tap'
import { takeAll } from '../support/hostile-cases.js'
import { hostileKeys } from '../support/hostile-keys.js'

for (const place of ['list', 'source']) {
  t.test(`in a ${place} a certificate may have any key`, async (t) => {
    const outcomes = await takeAll(t, place, hostileKeys())
    t.equal(outcomes.get('EC prime256v1 at infinity'), 'taken')
  })
}
