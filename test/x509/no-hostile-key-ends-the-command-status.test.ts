/**
 * Hostile keys in all files that the commands are given.
 * Each place has a process of its own, so that it is seen if one ends over a key.
 */
import t from 'tap'
import { takeAll } from '../support/hostile-cases.js'
import { someHostileKeys } from '../support/hostile-keys.js'

t.test('status reads what it is given', async (t) => {
  const outcomes = await takeAll(t, 'status', someHostileKeys())
  t.match(outcomes.get('EC prime256v1 at infinity'), /^status [01], status 0, status 0$/, 'behind a good client, and among the authorities, it does not matter')
})
