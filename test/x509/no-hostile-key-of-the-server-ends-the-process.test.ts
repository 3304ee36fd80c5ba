/**
 * Hostile keys in the server's own files.
 * Each place has its own process, so that the test notices if a key ends it.
 */
import t from 'tap'
import { makeHostileSite, takeAll } from '../support/hostile-cases.js'
import { hostilePrivateKeys } from '../support/hostile-private-keys.js'

const site = await makeHostileSite(t)

for (const place of ['certKey', 'extraCertChain', 'sni']) {
  t.test(`a hostile key in ${place} is a coded error, or has no effect`, async (t) => {
    const outcomes = await takeAll(t, site, place)
    if (place !== 'extraCertChain') t.notMatch([...outcomes.values()], ['taken'], 'it belongs to another private key')
  })
}

t.test('a hostile key in privateKey is a coded error', async (t) => {
  const keys = hostilePrivateKeys().map(({ name, der }) => ({ name, spki: der, isSound: false }))
  const outcomes = await takeAll(t, await makeHostileSite(t, keys), 'privateKey')
  for (const [name, outcome] of outcomes) if (!outcome.startsWith('FST_ENDPOINT_')) t.fail(`${name}: ${outcome}`)
})
