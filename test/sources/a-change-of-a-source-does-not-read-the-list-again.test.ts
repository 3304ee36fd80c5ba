import { appendFile, link, rename, symlink, writeFile } from 'node:fs/promises'
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

function readAlone (path: string, previous?: ListState): Promise<ListState> {
  const removal = { delay: 0, now: 0, clock: () => 0, isConfirming: false }
  return readList(path, { limit: 100, observed: new Map(), problems: [], words: new Set(), removal, followed: new Set(), isWhole: false }, previous)
}

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
  // As long as the list is new, it is read.
  const before = await until('a change reads no list', async () => {
    const reads = disk.reads.of(site.path('revoked.txt'))
    await revoke(await ca.issue({ name: 'somebody', usage: 'client' }))
    return disk.reads.of(site.path('revoked.txt')) === reads ? reads : undefined
  })
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
  const read = (previous?: ListState): Promise<ListState> => readAlone(path, previous)
  await writeFile(path, 'old.pem\n')
  t.equal((await read()).isExact, false)
  await until('it has not changed for two seconds', async () => (await read()).isExact === true)
  const seen = await look(path) as Present
  const old = { entries: [], sources: [], isEmpty: true, signature: seen.signature }
  t.match((await read({ ...old, isExact: false })).entries, [{ value: 'old.pem' }])
  t.same((await read({ ...old, isExact: true })).entries, [])
})

t.test('a list whose volume is swapped is read again, also if both versions have the same file', async (t) => {
  const folder = makeTestFolder(t, { one: { 'revoked.txt': 'old.pem\n' }, two: {}, '..data': t.fixture('symlink', 'one'), 'revoked.txt': t.fixture('symlink', '..data/revoked.txt') })
  await link(`${folder}/one/revoked.txt`, `${folder}/two/revoked.txt`)
  const read = (previous?: ListState): Promise<ListState> => readAlone(`${folder}/revoked.txt`, previous)
  const state = await until('it has not changed for two seconds', async () => {
    const first = await read()
    return first.isExact === true && first
  })
  t.equal(await read(state), state)
  await symlink('two', `${folder}/..next`)
  await rename(`${folder}/..next`, `${folder}/..data`)
  t.match((await read(state)).volume, { target: 'two' })
})
