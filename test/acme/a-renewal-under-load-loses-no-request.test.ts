/** A renewed certificate is put in force while clients call: on open connections, and on new ones. */
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { startOrderingApp } from '../support/acme-app.js'
import { FakeDirectory } from '../support/fake-directory.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { until } from '../support/until.js'

const DAY = 24 * 60 * 60 * 1000

t.test('a renewal under load loses no request', async (t) => {
  const directory = await FakeDirectory.start(t)
  // The first certificate is due for renewal at once; the next one is not.
  directory.life = { before: 80 * DAY, after: 10 * DAY }
  directory.change = (chain) => {
    directory.life = { before: DAY, after: 89 * DAY }
    return chain
  }
  const { app, log } = await startOrderingApp(t, [
    `tls:0:interface=127.0.0.1:acme=example.org:acmeTerms=agreed:acmeStore=${join(makeShortFolder(t), 'store')}` +
    `:acmeDirectory=${quoteEndpointArgument(`${directory.url}/dir`)}:acmeCa=${quoteEndpointArgument(directory.caFile)}:acmeWait=60`
  ])
  const { port } = app.server.address() as { port: number }
  const serials: string[] = []
  const failures: string[] = []
  const over = new AbortController()
  const call = (agent: Agent): Promise<void> => new Promise((resolve) => {
    request({ port, host: '127.0.0.1', servername: 'example.org', ca: directory.authority.certificate, agent, path: '/' }, (response) => {
      // A resumed session has none.
      const serial = (response.socket as TLSSocket).getPeerX509Certificate()?.serialNumber
      let body = ''
      response.on('data', (piece) => { body += String(piece) }).on('end', () => {
        if (body !== 'hello') failures.push(body)
        serials.push(serial ?? '')
        resolve()
      })
    }).on('error', ({ message }) => {
      failures.push(message)
      resolve()
    }).end()
  })
  const clients = [new Agent({ keepAlive: true, maxSockets: 1 }), new Agent({ keepAlive: true, maxSockets: 1 }), new Agent(), new Agent()]
  const load = clients.map(async (agent) => { while (!over.signal.aborted) await call(agent) })
  await until('the renewed certificate is in force', () => log.about('credentials reloaded').length >= 2)
  const { length } = serials
  await until('clients have called after it', () => serials.length > length + 20)
  over.abort()
  await Promise.all(load)
  for (const agent of clients) agent.destroy()
  t.same(failures, [])
  t.equal(new Set(serials.filter((serial) => serial !== '')).size, 2, 'clients have seen both certificates')
})
