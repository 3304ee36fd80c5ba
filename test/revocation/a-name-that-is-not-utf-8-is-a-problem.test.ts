import { writeFileSync } from 'node:fs'
import t from 'tap'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

t.test('a file whose name is not UTF-8 cannot be opened and is reported, not ignored', async (t) => {
  const { certificate } = await createAuthority()
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': '*.pem' }))
  await reloading.load()
  try {
    writeFileSync(Buffer.from(`${reloading.folder}/m\u00fcller.pem`, 'latin1'), certificate)
  } catch {
    t.pass('the file system does not allow such names')
    return
  }
  t.same(await reloading.load(), ['FST_ENDPOINT_FILE_UNREADABLE'])
  t.match(reloading.loaded?.problems, [{ message: /cannot be read: its name is not UTF-8: rename it$/ }])
})
