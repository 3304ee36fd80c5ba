import { once } from 'node:events'
import t from 'tap'
import { RevocationWatcher } from '../../lib/revocation/watch.js'
import { ManyFiles } from '../support/many-files.js'
import { makeTestFolder } from '../support/test-folder.js'
import { threadsDuring } from '../support/threads.js'

t.test('a start with many files stops waiting for the answer and terminates the thread', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}))
  let ended: Promise<unknown> | undefined
  const start = (): Promise<unknown> => RevocationWatcher.start({ file: files.list })
  await t.rejects(threadsDuring(start, (thread) => {
    ended = once(thread, 'exit')
    // What Node emits, for example, for a message that does not fit in memory.
    thread.once('online', () => { thread.emit('messageerror', new Error('it cannot be deserialized')) })
  }), {
    code: 'FST_ENDPOINT_FILE_UNREADABLE', message: `What revocation list ${JSON.stringify(files.list)} names cannot be read: it cannot be deserialized`
  })
  await ended
})
