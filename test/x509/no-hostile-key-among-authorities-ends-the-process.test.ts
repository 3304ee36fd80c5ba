/**
 * Copies of an authority with hostile keys are in the same file of authorities, which verifies clients and CRLs.
 * Each place has its own process, so that the test notices if a key ends it.
 */
import t from 'tap'
import { makeHostileSite, takeAll, writeCrls } from '../support/hostile-cases.js'

const site = await makeHostileSite(t)

t.test('a hostile key among the authorities of an endpoint does not end the process', async (t) => {
  const outcomes = await takeAll(t, site, 'authorities')
  t.equal(outcomes.get('EC prime256v1 at infinity'), 'taken', 'without it')
})

t.test('a hostile key of the signer of a CRL does not end the process', async (t) => {
  await writeCrls(site)
  const outcomes = await takeAll(t, site, 'CRL signer')
  t.match(outcomes.get('EC prime256v1 at infinity'), /FST_ENDPOINT_PUBLIC_KEY/, 'none is left')
})
