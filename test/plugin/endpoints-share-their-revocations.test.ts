import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import endpoint, { quoteEndpointArgument, serverFactory } from '../../lib/index.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const COUNT = 50
const SWAPPED = 'fastify-endpoint:revocation:swapped'

t.test('fifty endpoints of an app that name one list share one set, and switch to it in the same turn', async (t) => {
  const root = await createAuthority({ name: 'Root' })
  const server = await root.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
  const alice = await root.issue({ name: 'alice', usage: 'client' })
  const folder = makeTestFolder(t, { 'server.pem': server.chain, 'server.key': server.key, 'ca.pem': root.certificate, 'alice.pem': alice.certificate, 'revoked.txt': '# nobody\n' })
  const path = (file: string): string => quoteEndpointArgument(join(folder, file))
  const string = `tls:0:interface=127.0.0.1:privateKey=${path('server.key')}:certKey=${path('server.pem')}:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}`
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: Array.from({ length: COUNT }, () => string) })
  await app.listen()
  const revocations = app.endpoint.listeners.map(({ revocation }) => revocation)
  t.equal(new Set(revocations.map((revocation) => revocation?.loadedAt)).size, 1)

  const turns: number[] = []
  let turn = 0
  const swapped = new Promise<void>((resolve) => {
    const note = (): void => {
      if (turns.push(turn) < COUNT) return
      unsubscribe(SWAPPED, note)
      resolve()
    }
    subscribe(SWAPPED, note)
  })
  const count = setInterval(() => turn++, 1)
  appendFileSync(join(folder, 'revoked.txt'), 'alice.pem\n')
  await swapped
  clearInterval(count)
  t.equal(new Set(turns).size, 1)
  t.equal(new Set(revocations.map((revocation) => revocation?.loadedAt)).size, 1)
  t.equal(revocations.every((revocation) => revocation?.status([alice.x509]).status === 'revoked'), true)
})
