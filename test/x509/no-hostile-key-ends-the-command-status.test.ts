/**
 * Hostile keys in all files that the commands are given.
 * Each place has a process of its own, so that it is seen if one ends over a key.
 */
import t from 'tap'
import { makeHostileSite, takeAll } from '../support/hostile-cases.js'

const site = await makeHostileSite(t)

t.test('status reads what it is given', async (t) => {
  const outcomes = await takeAll(t, site, 'status')
  t.match(outcomes.get('EC prime256v1 at infinity'), /^status [01], status 0, status 0$/, 'behind a good client, and among the authorities, it does not matter')
})
