/** A hostile directory cannot send this process to hosts behind the firewall: its objects lead to its own host alone. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { FakeDirectory, SingleOrders, type Reply, type Resource } from '../support/fake-directory.js'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('a directory that leads to another host is not followed there', async (t) => {
  const directory = await FakeDirectory.start(t)
  const orders = new SingleOrders(t, directory.settings('/unused'), directory.authority.certificate)
  const sockets: Socket[] = []
  const internal = createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(internal, 'listening')
  t.teardown(() => internal.close())
  const there = `https://127.0.0.1:${(internal.address() as AddressInfo).port}`
  const here = directory.url
  const open = { status: 'pending', finalize: `${here}/finalize/0`, authorizations: [`${here}/authz/0`] }
  for (const [what, resource, reply] of [
    ['an account', 'dir', { body: { newNonce: `${here}/nonce`, newAccount: `${there}/account`, newOrder: `${here}/order` } }],
    ['an order', 'dir', { body: { newNonce: `${here}/nonce`, newAccount: `${here}/account`, newOrder: `${there}/order` } }],
    ['an authorization', 'order', { status: 201, headers: { location: `${here}/look/0` }, body: { ...open, authorizations: [`${there}/authz/0`] } }],
    ['finalize', 'order', { status: 201, headers: { location: `${here}/look/0` }, body: { ...open, status: 'ready', finalize: `${there}/finalize/0` } }],
    ['the order itself', 'order', { status: 201, headers: { location: `${there}/look/0` }, body: { ...open, status: 'processing' } }],
    ['the certificate', 'order', { status: 201, headers: { location: `${here}/look/0` }, body: { ...open, status: 'valid', certificate: `${there}/cert/0` } }]
  ] as Array<[string, Resource, Reply]>) {
    // acme-client reads the directory once for a worker, so that each needs its own.
    const fresh = resource === 'dir' ? new SingleOrders(t, directory.settings('/unused'), directory.authority.certificate) : orders
    if (resource === 'dir') directory.always.set(resource, reply)
    else directory.reply(resource, reply)
    const settings = directory.settings(makeShortFolder(t))
    t.match(await fresh.failure(settings), { code: 'FST_ENDPOINT_ACME_FAILED', message: `it gives a URL of another host, ${there}, which is not followed` }, what)
    directory.always.clear()
    t.ok(await orders.order(settings), 'the next order succeeds')
  }
  t.equal(sockets.length, 0)
})
