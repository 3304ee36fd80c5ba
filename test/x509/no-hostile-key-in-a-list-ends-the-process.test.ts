/**
 * Certificates with hostile keys in a file that the list names, and in what a source says.
 * Each place has a process of its own, so that it is seen if one ends over a key.
 */
import t from 'tap'
import { makeHostileSite, takeAll } from '../support/hostile-cases.js'

const site = await makeHostileSite(t)

for (const place of ['list', 'source']) {
  t.test(`in a ${place} a certificate may have any key`, async (t) => {
    const outcomes = await takeAll(t, site, place)
    t.equal(outcomes.get('EC prime256v1 at infinity'), 'taken')
  })
}
