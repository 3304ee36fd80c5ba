import { Agent } from 'node:https'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { makeAllowedSite } from '../support/allowed-site.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'

/** An environment variable can set a higher number. */
const SECONDS = Number(process.env['SWAP_SECONDS'] ?? 8)
const SWAP_EVERY = 50

t.test('while rules change every 50 ms, no request of an allowed client fails, and no client that no rule allows is answered', { timeout: 120_000 }, async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice role=even'])
  const { app, port } = await startApp(t, site.allowed, (app) => {
    app.get('/', async () => 'everybody')
    app.get('/admin', { config: { endpoint: { allow: ['role:admin'] } } }, async () => 'admin')
  })
  const end = Date.now() + SECONDS * 1000
  const failures: string[] = []
  let answered = 0
  let swaps = 0
  let isMalloryAllowed = false
  let cut = 0
  // On a loaded machine a swap may take seconds.
  const isOver = (): boolean => Date.now() >= end && swaps > 10

  async function request (agent: Agent | false): Promise<void> {
    while (!isOver()) {
      try {
        const [{ status }, admin] = [await get(port, { ...asClient(site, site.alice), agent }), await get(port, { ...asClient(site, site.alice), agent }, '/admin')]
        if (status === 200 && admin.status === 403) answered++
        else failures.push(`${status} ${admin.status}`)
      } catch (error) {
        failures.push(String(error))
      }
    }
  }

  /** Answers of a client that the list has in every second version: only while it is there. */
  async function intrude (agent: Agent): Promise<void> {
    while (!isOver()) {
      const before = [swaps, isMalloryAllowed].join()
      const answer = await get(port, { ...asClient(site, site.mallory), agent }).catch(() => undefined)
      if (answer === undefined) cut++
      else if (before === `${swaps},false` && !isMalloryAllowed) failures.push(`mallory got ${answer.status} in version ${before}`)
    }
  }

  async function swap (): Promise<void> {
    for (; !isOver(); swaps++) {
      // The swaps are the load here, so this is a rhythm and not a wait for something.
      await wait(SWAP_EVERY)
      const isAllowed = swaps % 2 === 0
      // While it changes, both answers are right.
      isMalloryAllowed = true
      await site.allow(`cn:alice role=${isAllowed ? 'odd' : 'even'}`, ...isAllowed ? ['cn:mallory'] : [])
      await app.endpoint.reload()
      isMalloryAllowed = isAllowed
    }
  }

  const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
  const [first, ...others] = agents as [Agent, ...Agent[]]
  // Some keep their connection, others open one for each request.
  await Promise.all([swap(), intrude(first), ...others.map(request), request(false), request(false)])
  for (const agent of agents) agent.destroy()
  t.same(failures, [])
  t.ok(answered > 100, `${answered} requests were answered`)
  t.ok(cut > 0, `mallory was refused ${cut} times`)
  t.ok((app.endpoint.listeners[0]?.allowed?.generation ?? 0) > 10, `${app.endpoint.listeners[0]?.allowed?.generation} swaps`)
})
