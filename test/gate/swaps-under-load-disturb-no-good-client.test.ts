import { Agent } from 'node:https'
import { utimes } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'

/** Set SWAP_SECONDS for a longer run. */
const SECONDS = Number(process.env['SWAP_SECONDS'] ?? 8)
const SWAP_EVERY = 50

t.test('no request of a good client fails under load with a swap every 50 ms', { timeout: 120_000 }, async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const { app, port } = await startApp(t, site.endpoint())
  const revocation = app.endpoint.listeners[0]?.revocation
  const before = revocation?.generation ?? 0
  const end = Date.now() + SECONDS * 1000
  let answered = 0
  let swaps = 0
  // On a loaded machine a swap may take seconds.
  const isOver = (): boolean => Date.now() >= end && swaps > 10
  const failures: string[] = []

  async function request (agent: Agent | false): Promise<void> {
    while (!isOver()) {
      try {
        const { status } = await get(port, { ...asClient(site, site.alice), agent })
        if (status === 200) answered++
        else failures.push(String(status))
      } catch (error) {
        failures.push(String(error))
      }
    }
  }

  async function swap (): Promise<void> {
    for (; !isOver(); swaps++) {
      // The swaps are the load here, so this is a rhythm and not a wait for something.
      await wait(SWAP_EVERY)
      await utimes(site.path('revoked.txt'), new Date(), new Date(1_000_000_000_000 + swaps * 1000))
      await app.endpoint.reload()
    }
  }

  const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
  // Some clients keep their connection, some open a new one for each request.
  await Promise.all([swap(), ...agents.map(request), request(false), request(false)])
  for (const agent of agents) agent.destroy()
  t.same(failures, [])
  t.ok(answered > 200, `${answered} requests were answered`)
  t.ok((revocation?.generation ?? 0) - before > 10, `${(revocation?.generation ?? 0) - before} swaps`)
})
