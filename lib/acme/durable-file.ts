/** Writes files so that a power failure leaves the old or the new content, never a part. */
import { randomUUID } from 'node:crypto'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder } from '../files.js'

const UNFINISHED = /\.new$/
/** Milliseconds after which an unfinished file must belong to a process that has ended. */
const ABANDONED = 60 * 60 * 1000

/** Replaces a file atomically. Only the user of the process may access it. */
export async function writeDurably (path: string, text: string): Promise<void> {
  const written = `${path}.${randomUUID()}.new`
  try {
    const handle = await open(written, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(written, path)
  } catch (thrown) {
    // A useless file must not stay on a full disk.
    await rm(written, { force: true }).catch(() => {})
    throw thrown
  }
  // The file is in its place, even if its folder cannot be opened.
  await syncFolder(dirname(path)).catch(() => {})
}

/** Removes unfinished files of processes that have ended. */
export async function sweepFolder (folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!UNFINISHED.test(name)) continue
    const path = join(folder, name)
    const isAbandoned = await stat(path).then(({ mtimeMs }) => mtimeMs < Date.now() - ABANDONED, () => false)
    if (isAbandoned) await rm(path, { force: true })
  }
}
