/** Clients can cause reads of the store. Whatever such a read finds, known challenges stay, and no client waits for long. */
import t from 'tap'
import { OutstandingChallenges } from '../../lib/acme/challenges.js'
import type { Challenge } from '../../lib/acme/store.js'

const challenge = (token: string): Challenge => ({ type: 'http-01', name: 'example.org', token, keyAuthorization: `${token}.thumb` })

t.test('a store that cannot be read removes no challenge', async (t) => {
  const challenges = new OutstandingChallenges(async () => undefined)
  challenges.replace([challenge('known')])
  await challenges.refresh()
  t.equal(challenges.answerTo('known'), 'known.thumb')
})

t.test('what was read before newer challenges came does not replace them', async (t) => {
  let give = (_: readonly Challenge[]): void => {}
  const challenges = new OutstandingChallenges(() => new Promise((resolve) => { give = resolve }))
  const refreshed = challenges.refresh()
  challenges.replace([challenge('new')])
  give([])
  await refreshed
  t.equal(challenges.answerTo('new'), 'new.thumb')
})

t.test('no client waits for a store that does not answer', async (t) => {
  const challenges = new OutstandingChallenges(() => new Promise(() => {}), 20)
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => { clearInterval(alive) })
  await challenges.refresh()
  await challenges.refresh()
  t.equal(challenges.answerTo('unknown'), undefined)
})

t.test('a challenge that cannot be used is as if it were missing', (t) => {
  const challenges = new OutstandingChallenges(async () => [])
  challenges.replace([{ ...challenge('t'), type: 'tls-alpn-01', certificate: 'no PEM', key: 'no PEM' }])
  t.equal(challenges.contextFor('example.org'), undefined)
  t.end()
})
