/**
 * Hostile keys in the server's own files.
 * Each place has a process of its own, so that it is seen if one ends over a key.
 */
import t from 'tap'
import { makeHostileSite, takeAll } from '../support/hostile-cases.js'
import { hostilePrivateKeys } from '../support/hostile-private-keys.js'

const site = await makeHostileSite(t)

for (const place of ['certKey', 'extraCertChain', 'sni']) {
  t.test(`in ${place} a hostile key is a coded error, or nothing that matters`, async (t) => {
    const outcomes = await takeAll(t, site, place)
    if (place !== 'extraCertChain') t.notMatch([...outcomes.values()], ['taken'], 'it belongs to another private key')
  })
}

t.test('in privateKey a hostile key is a coded error', async (t) => {
  const keys = hostilePrivateKeys().map(({ name, der }) => ({ name, spki: der, isSound: false }))
  const outcomes = await takeAll(t, await makeHostileSite(t, keys), 'privateKey')
  for (const [name, outcome] of outcomes) if (!outcome.startsWith('FST_ENDPOINT_')) t.fail(`${name}: ${outcome}`)
})
