import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SharedWatchers } from '../../lib/revocation/shared-watchers.js'
import { Authorities } from '../../lib/x509/authorities.js'
import { replace } from '../support/allowed-site.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

t.test('an endpoint that joins an existing watcher keeps the newest good rules, even if the list is wrong by then', async (t) => {
  const [root, other] = [await createAuthority({ name: 'Root' }), await createAuthority({ name: 'Other' })]
  const allowedFile = join(makeTestFolder(t, { 'allowed.txt': 'cn:alice\ncn:mallory\n' }), 'allowed.txt')
  // A watcher keeps no process alive.
  const timer = setInterval(() => {}, 1000)
  // Nothing but the test asks for a load.
  const watchers = new SharedWatchers({ interval: 2 ** 30 })
  const both = new Authorities([root.x509, other.x509])
  const [view, joined] = [await watchers.view({ allowedFile }, new Authorities([root.x509])), await watchers.view({ allowedFile }, both)]
  t.teardown(() => {
    clearInterval(timer)
    for (const one of [view, joined]) one.close()
  })
  const namesOf = ({ allowed }: typeof view): string[] => (allowed?.rules ?? []).map(({ value }) => value)
  await replace(allowedFile, 'cn:alice\n')
  await view.watcher.reload()
  t.same([namesOf(view), namesOf(joined)], [['alice'], ['alice', 'mallory']])
  writeFileSync(allowedFile, 'no rule\n')
  await view.changeAuthorities(both, () => {})
  t.same([namesOf(view), namesOf(joined)], [['alice'], ['alice']])
})
