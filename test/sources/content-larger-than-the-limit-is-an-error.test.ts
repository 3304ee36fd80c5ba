import t from 'tap'
import { readContent } from '../../lib/revocation/sources/content.js'
import { ReaderThread } from '../../lib/revocation/thread/reader-thread.js'
import { Authorities } from '../../lib/x509/authorities.js'

t.test('the bytes of a source are not read beyond limits.fileBytes', async (t) => {
  const reader = new ReaderThread()
  t.teardown(() => { reader.close() })
  const limits = { fileBytes: 10, files: 1, entries: 1, listBytes: 1 }
  const read = readContent({ bytes: Buffer.alloc(11) }, 'the source', false, { authorities: Authorities.none, reader, limits })
  await t.rejects(read, { code: 'FST_ENDPOINT_SOURCE_TOO_LARGE', message: 'the source holds more bytes than limits.fileBytes allows (10): check that it is the right source, or raise the limit' })
})
