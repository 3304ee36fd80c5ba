import t from 'tap'
import { RevocationWatcher } from '../../lib/revocation/watch.js'
import { ManyFiles } from '../support/many-files.js'
import { makeTestFolder } from '../support/test-folder.js'
import { threadsDuring } from '../support/threads.js'

t.test('the problem names the list whose files the thread was reading', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}))
  const start = (): Promise<unknown> => RevocationWatcher.start({ file: files.list })
  await t.rejects(threadsDuring(start, (thread) => { thread.terminate() }), {
    code: 'FST_ENDPOINT_FILE_UNREADABLE', message: `What revocation list ${JSON.stringify(files.list)} names cannot be read: the worker thread has ended`
  })
})
