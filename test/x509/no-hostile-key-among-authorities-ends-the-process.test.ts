/**
 * Twins of an authority with hostile keys, beside it in the file of authorities, where clients and CRLs are verified.
 * Each place has a process of its own, so that it is seen if one ends over a key.
 */
import t from 'tap'
import { takeAll } from '../support/hostile-cases.js'
import { someHostileKeys } from '../support/hostile-keys.js'

t.test('among the authorities of an endpoint', async (t) => {
  const outcomes = await takeAll(t, 'authorities', someHostileKeys())
  t.equal(outcomes.get('EC prime256v1 at infinity'), 'taken', 'without it')
})

t.test('as the signer of a CRL', async (t) => {
  const outcomes = await takeAll(t, 'CRL signer', someHostileKeys())
  t.match(outcomes.get('EC prime256v1 at infinity'), /FST_ENDPOINT_PUBLIC_KEY/, 'none is left')
})
