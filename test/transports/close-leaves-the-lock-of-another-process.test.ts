import { lstatSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('close() leaves a lock alone that now belongs to another process', async (t) => {
  const path = join(makeShortFolder(t), 's')
  const { app } = await startApp(t, `unix:${path}`)
  unlinkSync(`${path}.lock`)
  symlinkSync(String(process.ppid), `${path}.lock`)
  await app.close()
  t.notOk(lstatSync(path, { throwIfNoEntry: false }))
  t.equal(readlinkSync(`${path}.lock`), String(process.ppid))
})
