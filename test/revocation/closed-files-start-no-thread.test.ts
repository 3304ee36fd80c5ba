import t from 'tap'
import { ListFiles, type ListFilesResult } from '../../lib/revocation/files/list-files.js'
import { ReaderThread } from '../../lib/revocation/thread/reader-thread.js'
import { Authorities } from '../../lib/x509/authorities.js'
import { ManyFiles } from '../support/many-files.js'
import { makeTestFolder } from '../support/test-folder.js'
import { threadsDuring } from '../support/threads.js'

t.test('a load after the close is rejected and starts no thread', async (t) => {
  const { list, folder } = new ManyFiles(makeTestFolder(t, {}))
  const reader = new ReaderThread()
  const files = new ListFiles({ reader })
  const refresh = (): Promise<ListFilesResult> => files.refresh({
    list,
    folder,
    patterns: [{ kind: 'pattern', value: 'certs/*.pem', line: 1 }],
    limits: { fileBytes: 100_000, files: 10_000, entries: 10_000 },
    authorities: Authorities.none,
    isWhole: true,
    since: undefined,
    inForce: () => new Map()
  }, () => {})
  const { threads: [thread] } = await threadsDuring(refresh)
  t.ok(thread)
  files.close()
  reader.close()
  const { threads } = await threadsDuring(async () => {
    await t.rejects(refresh(), { code: 'FST_ENDPOINT_CLOSED' })
  })
  t.equal(threads.length, 0)
})
