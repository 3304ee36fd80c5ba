/** What a scan must be sure of before an entry goes out of force. */
import { renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import type { FileHost } from '../../lib/revocation/files/host.js'
import { mainThread } from '../../lib/revocation/files/list-files.js'
import { RevocationKeys } from '../../lib/revocation/set/keys.js'
import { ListContents, type Scan } from '../../lib/revocation/set/list-contents.js'
import type { PatternEntry } from '../../lib/revocation/list/list-file.js'
import { type RoundResult, type FilesRequest, MatchedFiles } from '../../lib/revocation/files/matched-files.js'
import { ReaderThread } from '../../lib/revocation/thread/reader-thread.js'
import { RACY } from '../../lib/watching/observation.js'
import { mount } from '../support/kubernetes.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const { certificate } = await createAuthority()
const HOST = mainThread(new ReaderThread())

class Scanning {
  readonly #files: MatchedFiles
  readonly #request: FilesRequest

  constructor (folder: string, host: FileHost, ...patterns: string[]) {
    this.#files = new MatchedFiles(host)
    this.#request = {
      list: join(folder, 'revoked.txt'),
      folder,
      patterns: patterns.map((value, index) => ({ kind: 'pattern', value, line: index + 1 })),
      limits: { fileBytes: 100_000, files: 100, entries: 100 },
      authorities: Authorities.none
    }
  }

  async scan (): Promise<RoundResult> {
    return await this.#files.refresh(this.#request, () => {})
  }

  async scanAtRest (): Promise<RoundResult> {
    await delay(RACY + 10)
    return await this.scan()
  }
}

/** A host that reads one file after the other, and does something before it reads one of a name. */
function hostThat (act: () => void | Promise<void>, name: string): FileHost {
  return {
    ...HOST,
    concurrency: 1,
    async read (path, options) {
      if (path.endsWith(name)) await act()
      return await HOST.read(path, options)
    }
  }
}

function folderOf (t: Test): string {
  return makeTestFolder(t, { a: { '1.pem': certificate }, b: { '2.pem': certificate } })
}

t.test('a scan is at rest if nothing has changed', async (t) => {
  const scanning = new Scanning(folderOf(t), HOST, 'a/*.pem', 'b/*.pem')
  t.match(await scanning.scanAtRest(), { unsettled: undefined, isUnknown: false, faultyFiles: [], incomplete: [] })
})

t.test('a scan is not at rest if a folder changed a moment before', async (t) => {
  const folder = folderOf(t)
  const scanning = new Scanning(folder, HOST, 'a/*.pem', 'b/*.pem')
  // On a machine that is slow just now, the change may be old when it is looked at.
  let found = await scanning.scanAtRest()
  for (let tries = 0; tries < 100 && found.unsettled === undefined; tries++) {
    renameSync(join(folder, 'b', `${tries === 0 ? 2 : `n${tries - 1}`}.pem`), join(folder, 'b', `n${tries}.pem`))
    found = await scanning.scan()
  }
  t.equal(found.unsettled, join(folder, 'b'))
})

t.test('a scan is not at rest if a folder changes while files are read', async (t) => {
  const folder = folderOf(t)
  const scanning = new Scanning(folder, hostThat(() => renameSync(join(folder, 'a', '1.pem'), join(folder, 'b', '1.pem')), '2.pem'), 'b/*.pem', 'a/*.pem')
  t.match(await scanning.scanAtRest(), { unsettled: join(folder, 'b') })
})

t.test('a scan is not at rest if a volume is swapped while its files are read, even if no folder is read', async (t) => {
  const folder = makeTestFolder(t, {})
  await mount(folder, 'v1', { '1.pem': certificate, '2.pem': certificate })
  const scanning = new Scanning(folder, hostThat(() => mount(folder, 'v2', { '1.pem': certificate, '2.pem': certificate }), '2.pem'), '1.pem', '2.pem')
  t.match(await scanning.scanAtRest(), { unsettled: folder })
})

t.test('a scan is not at rest if a volume is swapped after one of its files was found unchanged', async (t) => {
  const folder = makeTestFolder(t, {})
  const files = { '1.pem': certificate, '2.pem': certificate }
  await mount(folder, 'v1', files)
  let version = 1
  const act = async (): Promise<void> => {
    await mount(folder, `v${++version}`, files)
    // However old the swap is when the scan looks.
    await delay(RACY + 10)
  }
  let isActing = false
  const host = {
    ...hostThat(act, 'none'),
    look: async (path: string) => {
      if (isActing && path.endsWith('2.pem')) {
        isActing = false
        await act()
      }
      return await HOST.look(path)
    }
  }
  const scanning = new Scanning(folder, host, '*1.pem', '*2.pem')
  t.match(await scanning.scanAtRest(), { unsettled: undefined })
  t.match(await scanning.scanAtRest(), { unsettled: undefined })
  isActing = true
  t.match(await scanning.scan(), { unsettled: folder })
})

t.test('a scan reports what it could not read and what it could not follow', async (t) => {
  const folder = folderOf(t)
  const scanning = new Scanning(folder, HOST, 'a/*.pem', 'c.pem')
  t.match(await scanning.scanAtRest(), { isUnknown: false, faultyFiles: [], incomplete: [1] })
  writeFileSync(join(folder, 'a', '1.pem'), 'broken')
  t.match(await scanning.scan(), { isUnknown: false, faultyFiles: [join(folder, 'a', '1.pem')] }, 'its previous content is known')
  writeFileSync(join(folder, 'a', '3.pem'), 'broken')
  t.match(await scanning.scan(), { isUnknown: true, faultyFiles: [join(folder, 'a', '1.pem'), join(folder, 'a', '3.pem')] })
  unlinkSync(join(folder, 'a', '3.pem'))
  t.match(await scanning.scan(), { isUnknown: false })
  t.match(await new Scanning(folder, HOST, 'c/*.pem').scan(), { isUnknown: true, faultyFiles: [], incomplete: [0] }, 'nor the content of a missing folder')
})

t.test('files removed by a swap wait until the whole new volume is read', async (t) => {
  const named: PatternEntry[] = [{ kind: 'pattern', value: '*.pem', line: 1 }]
  const removal = { delay: 1000, now: 0, clock: () => 0, isConfirming: false }
  const volume = (target: string): { folder: string, target: string } => ({ folder: '/v', target })
  const content = (...tbs: string[]): { tbs: string[], crls: [], problems: [], warnings: [] } => ({ tbs, crls: [], problems: [], warnings: [] })
  const rest: Scan = { unsettled: undefined, incomplete: new Set(), faultyFiles: new Set(), isUnknown: false, limit: 10 }
  const first = ListContents.none.edit('/v/revoked.txt', named, true, removal, RevocationKeys.none.edit())
  first.apply({ path: '/v/1.pem', content: content('x', 'y'), volume: volume('1') }, named)
  let contents = first.finish()
  for (const [scan, isHeld] of [
    [{ ...rest, unsettled: '/v' }, true],
    [{ ...rest, unsettled: '/w' }, true],
    [rest, false]
  ] as const) {
    const edit = contents.edit('/v/revoked.txt', named, false, removal, contents.keys.edit())
    if (scan.unsettled === '/v') edit.apply({ path: '/v/1.pem', content: content('y'), volume: volume('2') }, named)
    t.equal((await edit.settle(scan)).again !== undefined, isHeld)
    contents = edit.finish()
    t.equal(contents.keys.find('tbs', 'x') !== undefined, isHeld)
    t.ok(contents.keys.find('tbs', 'y'))
  }
})
