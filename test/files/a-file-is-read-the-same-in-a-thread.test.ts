import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type BoundedFileOptions, readSettledFile, readSettledFileSync } from '../../lib/files.js'
import { changesAmong, changesAmongSync, look, lookSync, type Observation } from '../../lib/watching/observation.js'
import { untilAtRest } from '../support/disk-calls.js'
import { makeTestFolder } from '../support/test-folder.js'

const OPTIONS: BoundedFileOptions = { what: 'the file', limit: 10, limitName: 'limits.fileBytes', empty: 'refuse' }

const folder = makeTestFolder(t, { file: 'content', empty: '', large: 'more than ten' })
symlinkSync('file', join(folder, 'link'))
symlinkSync('nowhere', join(folder, 'dangling'))
symlinkSync('circle', join(folder, 'circle'))
mkdirSync(join(folder, 'folder'))
execFileSync('mkfifo', [join(folder, 'fifo')])

const names = ['file', 'link', 'empty', 'large', 'dangling', 'circle', 'folder', 'fifo', 'missing', 'file/below', 'a\0b', '/dev/null', '/proc/self/status']

interface Outcome {
  code?: unknown
  message?: unknown
  file?: unknown
  bytes?: string
  signature?: unknown
}

async function outcomeOf (read: () => ReturnType<typeof readSettledFileSync> | ReturnType<typeof readSettledFile>): Promise<Outcome> {
  try {
    const { bytes, signature } = await read()
    return { bytes: bytes.toString(), signature }
  } catch (thrown) {
    const { code, message, file } = thrown as Outcome
    return { code, message, file }
  }
}

for (const name of names) {
  const path = name.startsWith('/') ? name : join(folder, name)
  t.test(`${JSON.stringify(name)} is read, or refused with the same message, in a thread`, { skip: name.startsWith('/proc') && process.platform !== 'linux' }, async (t) => {
    const outcome = await outcomeOf(() => readSettledFileSync(path, OPTIONS))
    t.ok('bytes' in outcome || String(outcome.code).startsWith('FST_ENDPOINT_FILE_'))
    t.same(outcome, await outcomeOf(() => readSettledFile(path, OPTIONS)))
  })

  t.test(`${JSON.stringify(name)} has the same signature in a thread`, { skip: name.startsWith('/proc') }, async (t) => {
    // Between two looks, a change can become too old to be racy.
    await untilAtRest(path)
    t.same(lookSync(path), await look(path))
  })
}

t.test('a thread finds the same changes', async (t) => {
  const paths = names.filter((name) => !name.startsWith('/')).map((name) => join(folder, name)).filter((path) => !path.includes('\0'))
  const before = new Map<string, Observation>(paths.map((path) => [path, lookSync(path)]))
  t.same(changesAmongSync(paths, before), new Map())
  writeFileSync(join(folder, 'file'), 'else')
  writeFileSync(join(folder, 'missing'), 'here')
  const changes = changesAmongSync(paths, before)
  t.same([...changes.keys()], [join(folder, 'file'), join(folder, 'link'), join(folder, 'missing')])
  t.same([...(await changesAmong(paths, before)).keys()].sort(), [...changes.keys()].sort())
})
