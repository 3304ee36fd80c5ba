/**
 * Twins of an authority with hostile keys, beside it in the file of authorities, where clients and CRLs are verified.
 * Each place has a process of its own, so that it is seen if one ends over a key.
 */
import t from 'tap'
import { makeHostileSite, takeAll, writeCrls } from '../support/hostile-cases.js'

const site = await makeHostileSite(t)

t.test('among the authorities of an endpoint', async (t) => {
  const outcomes = await takeAll(t, site, 'authorities')
  t.equal(outcomes.get('EC prime256v1 at infinity'), 'taken', 'without it')
})

t.test('as the signer of a CRL', async (t) => {
  await writeCrls(site)
  const outcomes = await takeAll(t, site, 'CRL signer')
  t.match(outcomes.get('EC prime256v1 at infinity'), /FST_ENDPOINT_PUBLIC_KEY/, 'none is left')
})
