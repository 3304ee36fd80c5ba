/**
 * The folder for copies of sources. A user who can write to it decides what is revoked at a start while a source is
 * down, so no other user may.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errors, reasonOf } from '../../errors.js'
import { quotePath } from '../../text/printable.js'

/** A copy that is being written; see `CachedCopy`. */
const UNFINISHED = /^[0-9a-f]{64}\.[0-9a-f-]{36}\.new$/
/** Milliseconds after which no process is still writing it: far longer than a source may take. */
const ABANDONED = 60 * 60 * 1000

/**
 * Creates the folder if needed, and checks that no other user can write to it. Removes what killed processes left
 * behind.
 *
 * @throws FST_ENDPOINT_CACHE
 */
export async function openCache (folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const { mode, uid } = await stat(folder)
    if ((mode & 0o022) !== 0) throw new Error('other users can write to it: run chmod go-w')
    // Windows has neither.
    const user = process.geteuid?.() ?? uid
    if (uid !== user && uid !== 0) {
      throw new Error(`it belongs to another user (${uid}), who can write to it: change its owner to the user of this process (${user})`)
    }
    await sweep(folder)
  } catch (thrown) {
    throw new errors.FST_ENDPOINT_CACHE(quotePath(folder), reasonOf(thrown))
  }
}

/** Other processes may be writing theirs. */
async function sweep (folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!UNFINISHED.test(name)) continue
    const path = join(folder, name)
    const isAbandoned = await stat(path).then(({ mtimeMs }) => mtimeMs < Date.now() - ABANDONED, () => false)
    if (isAbandoned) await rm(path, { force: true })
  }
}
