import { rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const authority = await createAuthority()
const alice = await authority.issue({ name: 'alice' })
const DELAY = 2000

for (const [what, list, act] of [
  ['a file is removed', '*.pem\n', (reloading: Reloading) => rmSync(reloading.path('a.pem'))],
  ['a certificate is removed from a file', '*.pem\n', (reloading: Reloading) => writeFileSync(reloading.path('a.pem'), authority.certificate)],
  ['a line is removed', `tbs:${identifyCertificate(alice.der).tbs}\n`, (reloading: Reloading) => writeFileSync(reloading.list, '# none\n')]
] as const) {
  t.test(`a long scan shortens no delay: ${what}`, async (t) => {
    const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': list, 'a.pem': alice.certificate }))
    reloading.removalDelay = DELAY
    reloading.scanTime = 2 * DELAY
    reloading.time = 0
    t.same(await reloading.pass(0), [])
    act(reloading)
    t.same(await reloading.pass(0), [])
    t.equal(reloading.loaded?.again, DELAY, 'the next scan is that long after the end')
    t.same(await reloading.pass(3 * DELAY - 1), [])
    t.same(reloading.revoked(alice), ['alice'], 'that long after it was last found')
    t.equal(reloading.loaded?.again, 1)
    t.same(await reloading.pass(1), [])
    t.same(reloading.revoked(alice), [])
  })
}
