/**
 * Certificates with hostile keys in a file that the list names, and in the answer of a source.
 * Each place has its own process, so that the test notices if a key ends it.
 */
import t from 'tap'
import { makeHostileSite, takeAll } from '../support/hostile-cases.js'

const site = await makeHostileSite(t)

for (const place of ['list', 'source']) {
  t.test(`a certificate in a ${place} may have any key`, async (t) => {
    const outcomes = await takeAll(t, site, place)
    t.equal(outcomes.get('EC prime256v1 at infinity'), 'taken')
  })
}
