/** Let's Encrypt gives ten nonces at once, and twenty a second. acme-client asks for one before each request. */
import t from 'tap'
import { FakeDirectory, SingleOrders } from '../support/fake-directory.js'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('the authorizations of a hundred names are asked for one after another, and the longest Retry-After counts', async (t) => {
  const fake = await FakeDirectory.start(t)
  let waiting = 0
  let most = 0
  fake.server.prependListener('request', ({ url = '' }, response) => {
    if (!url.startsWith('/nonce')) return
    most = Math.max(most, ++waiting)
    response.once('finish', () => { waiting-- })
  })
  const names = Array.from({ length: 100 }, (_, index) => `n${index}.example.org`)
  fake.reply('authz', ...names.map((value, index) => ({
    headers: index === 40 ? { 'retry-after': '7' } : {}, body: { identifier: { value }, status: 'pending', challenges: [] }
  })))
  const settings = fake.settings(makeShortFolder(t), '', names.join())
  const { directory } = new SingleOrders(t, settings, fake.authority.certificate)
  await directory.account([])
  const states = await directory.authorizations(names.map((_, index) => `${fake.url}/authz/0/${index}`))
  t.same(states.map(({ name }) => name), names)
  t.equal(most, 1)
  t.equal(directory.retryAfter, 7000)
})
