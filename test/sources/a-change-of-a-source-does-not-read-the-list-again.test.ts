import { appendFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import type { RevocationContent, RevocationSource } from '../../lib/index.js'
import { identifyCertificate } from '../../lib/revocation/index.js'
import { type ListState, readList } from '../../lib/revocation/list/last-good-list.js'
import { DiskCalls, untilAtRest } from '../support/disk-calls.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { look, type Present } from '../../lib/watching/observation.js'
import { createAuthority, type Issued } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'
import { until } from '../support/until.js'

const ca = await createAuthority({ name: 'Test CA' })
const line = ({ der }: Issued): string => `tbs:${identifyCertificate(der).tbs}`

t.test('a change of a source alone does not read the list again', async (t) => {
  const site = await makeSite(t, ca)
  await writeFile(site.path('revoked.txt'), 'spoken:of\n')
  await untilAtRest(site.path('revoked.txt'))
  let content: RevocationContent = { keys: [] }
  let tell = (): void => {}
  const spoken = (): RevocationSource => ({
    name: 'spoken',
    load: async () => content,
    watch: (onChange) => { tell = onChange },
    close: () => {}
  })
  const disk = DiskCalls.count(t)
  const { app } = await startApp(t, site.endpoint(), undefined, { plugin: { sources: { spoken } } })
  const isRevoked = ({ der }: Issued): boolean => app.endpoint.listeners[0]?.revocation?.status([der]).status === 'revoked'
  const revoke = async (leaf: Issued): Promise<void> => {
    content = { keys: [...content.keys ?? [], line(leaf)] }
    tell()
    await until('the source is in force', () => isRevoked(leaf))
  }
  const before = disk.reads.of(site.path('revoked.txt'))
  await revoke(site.mallory)
  t.equal(disk.reads.of(site.path('revoked.txt')), before)

  await appendFile(site.path('revoked.txt'), `${line(site.alice)}\n`)
  await revoke(site.server)
  await until('the line is in force', () => isRevoked(site.alice))
  const after = disk.reads.of(site.path('revoked.txt'))
  t.ok(after > before, 'a list that has changed is read')

  await untilAtRest(site.path('revoked.txt'))
  await app.endpoint.reload()
  t.ok(disk.reads.of(site.path('revoked.txt')) > after, 'and by a reload in any case')
})

t.test('a list that another state could have the signature of is read again', async (t) => {
  const path = `${makeTestFolder(t, { 'revoked.txt': '' })}/revoked.txt`
  const removal = { delay: 0, now: 0, clock: () => 0, isConfirming: false }
  const read = (previous?: ListState): Promise<ListState> =>
    readList(path, { limit: 100, observed: new Map(), problems: [], words: new Set(), removal, followed: new Set(), isWhole: false }, previous)
  // On a machine that is slow just now, the change may be old when it is seen.
  let state: ListState | undefined
  for (let tries = 0; tries < 100 && state?.isExact !== false; tries++) {
    await writeFile(path, 'old.pem\n')
    state = await read()
  }
  t.equal(state?.isExact, false)
  await untilAtRest(path)
  t.equal((await read()).isExact, true)
  const seen = await look(path) as Present
  const old = { entries: [], sources: [], isEmpty: true, signature: seen.signature }
  t.match((await read({ ...old, isExact: false })).entries, [{ value: 'old.pem' }])
  t.same((await read({ ...old, isExact: true })).entries, [])
})
