/** Orders and certificates count against the limits of a directory: none is made, or made again, that cannot be stored or used. */
import { webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { OrderInterrupted } from '../../lib/acme/failure.js'
import { AcmeStore } from '../../lib/acme/store.js'
import { readSourced } from '../../lib/tls/sourced-credentials.js'
import { createAuthority, type KeyPair } from '../support/pki.js'
import { FakeDirectory, SingleOrders, startOrdering } from '../support/fake-directory.js'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('a certificate that cannot be used counts against the limit of a week', async (t) => {
  const directory = await FakeDirectory.start(t)
  directory.change = () => 'no PEM'
  const { source } = await startOrdering(t, directory.settings(makeShortFolder(t)))
  await once(source.events, 'attempted')
  t.match(source.problems[0]?.message, /cannot be used/)
  const state = JSON.parse(await readFile(join(source.name, '..', 'state.json'), 'utf8')) as { issued: number[] }
  t.equal(state.issued.length, 1)
})

t.test('a clock that is a little slow takes the certificate that is valid by the clock of the directory', async (t) => {
  const directory = await FakeDirectory.start(t)
  directory.life.before = 0
  const { source } = await startOrdering(t, directory.settings(makeShortFolder(t)), { now: () => Date.now() - 30 * 60_000 })
  await once(source.events, 'attempted')
  t.ok(source.current())
  t.equal(directory.count('order'), 1)
})

t.test('a process that was stopped while it ordered leaves the order of another one alone', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  const orders = new SingleOrders(t, settings, directory.authority.certificate)
  const other = { url: 'https://127.0.0.1/other', finalize: 'https://127.0.0.1/f', key: 'key', challenges: [] }
  const store = new AcmeStore(settings)
  const demandLease = async (): Promise<void> => { await store.writeOrder(other) }
  t.type(await orders.order(settings, { demandLease }).catch((thrown: unknown) => thrown), OrderInterrupted)
  t.same(await store.readOrder(), other)
})

t.test('nothing is ordered that a disk has no room for', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  const { default: promises } = await import('node:fs/promises')
  const { syncBuiltinESMExports } = await import('node:module')
  const { open } = promises
  t.teardown(syncBuiltinESMExports)
  // Little is left, as for a lease or an account, from when the source has been opened.
  let isFull = false
  t.intercept(promises, 'open', {
    value: async (...args: Parameters<typeof open>) => {
      const handle = await open(...args)
      const { writeFile } = handle
      handle.writeFile = async (data, ...others) => {
        if (isFull && String(data).length > 4096) throw Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' })
        await writeFile.call(handle, data, ...others)
      }
      return handle
    }
  })
  syncBuiltinESMExports()
  directory.date = () => {
    isFull = true
    return new Date()
  }
  const { source } = await startOrdering(t, settings)
  await once(source.events, 'attempted')
  t.match(source.problems[0], { code: 'FST_ENDPOINT_ACME_STORE', message: /ENOSPC/ })
  t.equal(directory.count('order'), 0)
  await t.rejects(new AcmeStore(settings).open(), { code: 'FST_ENDPOINT_ACME_STORE', message: /ENOSPC/ }, 'a start says it too')
})

t.test('a chain that OpenSSL rejects does not replace what is stored', async (t) => {
  const rsa = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 512, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' }
  const keyPair = await webcrypto.subtle.generateKey(rsa, true, ['sign', 'verify']) as KeyPair
  const weak = await createAuthority({ name: 'Weak CA', keyPair })
  const { key, certificate } = await weak.issue({ name: 'example.org', usage: 'server', dnsNames: ['example.org'] })
  const origin = { argument: 'acme', file: 'https://ca.example/cert', names: ['example.org'], now: Date.now() }
  const chain = Buffer.from(certificate + weak.certificate)
  t.throws(() => readSourced(Buffer.from(key), chain, origin, { isTried: true }), { code: 'FST_ENDPOINT_CERTIFICATE_INVALID', message: /OpenSSL rejects it/ })
})
