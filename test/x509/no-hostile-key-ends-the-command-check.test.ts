/**
 * Hostile keys in every file that the commands read.
 * Each place has its own process, so that the test notices if a key ends it.
 */
import t from 'tap'
import { makeHostileSite, takeAll } from '../support/hostile-cases.js'

const site = await makeHostileSite(t)

t.test('check reads files with hostile keys', async (t) => {
  const outcomes = await takeAll(t, site, 'check')
  t.equal(outcomes.get('EC prime256v1 at infinity'), 'status 0')
})
