/** A connection that is accepted beside a dropped one has a higher number, and the next one fills the gap. So they grew into the reserve. */
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import t from 'tap'
import { besiege, startBesieged } from '../support/besieged.js'
import { asClient, get, makeSite } from '../support/mutual-tls.js'
import { until } from '../support/until.js'

const LIMIT = 120
const CONNECTIONS = 160
/** A quarter of the limit is reserved. */
const BEYOND_CONNECTIONS = 90
/** What the process may open for a moment, while it closes a connection or reads a file. */
const PASSING = 10
const SIEGES = 8

t.test('a flood of connections leaves the reserved descriptors free, and keeps no good client out', async (t) => {
  const site = await makeSite(t)
  const { child, ports: [port = 0] } = await startBesieged(t, LIMIT, { endpoint: `${site.endpoint()}:backlog=511` })
  let most = 0
  for (let count = 0; count < SIEGES; count++) {
    const siege = besiege(t, CONNECTIONS, () => connect(port, '127.0.0.1'))
    await siege.crowded
    await until('a good client is served', async () => {
      const answer = await get(port, asClient(site, site.alice)).catch(() => undefined)
      most = Math.max(most, readdirSync(`/proc/${child.pid}/fd`).length)
      return answer?.status === 200
    })
    siege.end()
  }
  t.ok(most <= BEYOND_CONNECTIONS + PASSING, `at most ${most} were open`)
})
