/**
 * Changes a file that other programs read, and perhaps change, at the same time. A reader sees the complete old or the
 * complete new content, even after a power failure.
 */
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { open, realpath, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { errors, located } from '../errors.js'
import { isSystemError, LIST_FILE_LIMIT, readSettledFile, sameSignature, signatureOf, syncFolder, systemReason } from '../files.js'
import { withLock, type Lock } from './file-lock.js'
import { quotePath } from '../text/printable.js'

/** At most so many changes in a row: more than a person makes. */
const MOST_TRIES = 20
/** Most times that a lock may be lost: programs that remove the lock of a dead process may remove each other's. */
const MOST_LOSSES = 5

/** Milliseconds. The clock of a file system moves in steps of at most ten. */
const CLOCK_TICK = 20

/** A new content, with whatever else is to be known of it. */
interface Changed {
  readonly bytes: Buffer
}

/**
 * Replaces the content of a file, and keeps its mode and owner. A symbolic link stays: its target is replaced.
 *
 * @param change makes the new content; called again if the file changed meanwhile. Equal bytes write nothing
 * @returns what `change` returned for the content that is there now
 * @throws FST_ENDPOINT_LIST_UNWRITABLE, FST_ENDPOINT_FILE_*; what `change` throws
 */
export async function replaceFile<C extends Changed> (path: string, change: (bytes: Buffer) => C | Promise<C>): Promise<C> {
  const what = quotePath(path)
  try {
    const file = await realpath(path)
    // The lock and the new file are hidden, so that no pattern of a list matches them, unless it names hidden files.
    const replace = async (lock: Lock): Promise<C | undefined> => {
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const changed = await tryReplace(file, what, change, lock)
        if (changed !== undefined || !(await lock.isOwned())) return changed
      }
      throw located(new errors.FST_ENDPOINT_LIST_UNWRITABLE(what, 'another program keeps changing it'), { file: path })
    }
    for (let losses = 0; losses < MOST_LOSSES; losses++) {
      const changed = await withLock(join(dirname(file), `.${basename(file)}.lock`), what, replace)
      if (changed !== undefined) return changed
    }
    throw located(new errors.FST_ENDPOINT_LIST_UNWRITABLE(what, 'another program keeps removing its lock'), { file: path })
  } catch (thrown) {
    if (!isSystemError(thrown)) throw thrown
    const reason = thrown.code === 'EBUSY'
      ? 'it is mounted as a single file, and cannot be replaced: mount its folder instead'
      : systemReason(thrown)
    throw located(new errors.FST_ENDPOINT_LIST_UNWRITABLE(what, reason), { file: path }, thrown)
  }
}

/**
 * Like `replaceFile`, or in a dry run only reads the file and returns what would be in it.
 *
 * @param what what the file is called in messages of a dry run
 */
export async function changeFile<C extends Changed> (
  path: string, what: string, change: (bytes: Buffer) => C | Promise<C>, isDry: boolean
): Promise<C> {
  if (!isDry) return await replaceFile(path, change)
  return await change((await readSettledFile(path, { what, limit: LIST_FILE_LIMIT })).bytes)
}

/** @returns undefined if the file changed meanwhile */
async function tryReplace<C extends Changed> (
  file: string, what: string, change: (bytes: Buffer) => C | Promise<C>, lock: Lock
): Promise<C | undefined> {
  const { bytes, signature } = await readSettledFile(file, { what, limit: LIST_FILE_LIMIT })
  const changed = await change(bytes)
  if (changed.bytes.equals(bytes)) return changed
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(8).toString('hex')}.new`)
  try {
    await write(temporary, changed.bytes, await stat(file), what)
    // As late as possible. An editor could still write before the rename; a program that uses the lock cannot.
    if (!sameSignature(signature, signatureOf(await stat(file, { bigint: true }))) || !(await lock.isOwned())) return undefined
    await rename(temporary, file)
  } finally {
    // After a rename it no longer exists.
    await unlink(temporary).catch(() => {})
  }
  await syncFolder(dirname(file))
  return changed
}

async function write (path: string, bytes: Buffer, { mode, uid, gid }: Stats, what: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'wx', 0o600)
    await handle.writeFile(bytes)
    const own = await handle.stat()
    if (own.uid !== uid || own.gid !== gid) {
      await handle.chown(uid, gid).catch((thrown: unknown) => {
        throw located(
          new errors.FST_ENDPOINT_LIST_UNWRITABLE(what, 'its owner would change: run this as its owner, or as root'),
          { file: path }, thrown
        )
      })
    }
    // Set after chown, which clears bits of the mode.
    await handle.chmod(mode & 0o7777)
    await handle.sync()
    // A reader of an allowed list takes a file at once if it was renamed after it was written, as its two times show.
    await setTimeout(CLOCK_TICK)
  } finally {
    await handle?.close()
  }
}
