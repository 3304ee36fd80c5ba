/**
 * Events of the file system, as hints that polling now may find a change.
 *
 * Nothing depends on them. Only folders on local file systems are watched: the call that starts a watch blocks, so a
 * network mount that hangs would stop the event loop, and it reports no changes of other machines. If the system has no
 * more watches, there are no hints.
 */
import { watch, type FSWatcher } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { look, type Observation } from './observation.js'

const MOST_FOLDERS = 64

/** What statfs(2) says of ext, xfs, btrfs, tmpfs, overlayfs, ramfs, zfs, f2fs and bcachefs. */
const LOCAL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x858458f6, 0x2fc12fc1, 0xf2f52010, 0xca451a4e
])

interface Watched {
  readonly watcher: FSWatcher
  /** Another folder may have the name by now. */
  readonly inode: string
}

export class FolderHints {
  readonly #onHint: (folder: string, name: string | null) => void
  readonly #onWatched: (folder: string) => void
  readonly #watched = new Map<string, Watched>()
  #closed = false
  #wanted: ReadonlySet<string> = new Set()
  #updating = false

  /** @param onWatched called for each folder when its hints begin */
  constructor (onHint: (folder: string, name: string | null) => void, onWatched: (folder: string) => void) {
    this.#onHint = onHint
    this.#onWatched = onWatched
  }

  /** Watches the folders that were read, and the parents of all other paths. */
  watch (observed: ReadonlyMap<string, Observation>): void {
    const folders = new Set<string>()
    for (const [path, seen] of observed) {
      if (folders.size >= MOST_FOLDERS) break
      folders.add('kind' in seen && seen.kind === 'folder' ? path : dirname(path))
    }
    this.#wanted = folders
    if (!this.#updating) this.#update()
  }

  close (): void {
    this.#closed = true
    for (const folder of this.#watched.keys()) this.#forget(folder)
  }

  async #update (): Promise<void> {
    this.#updating = true
    for (let done; done !== this.#wanted && !this.#closed;) {
      done = this.#wanted
      for (const folder of this.#watched.keys()) {
        if (!done.has(folder)) this.#forget(folder)
      }
      for (const folder of done) await this.#watchFolder(folder)
    }
    this.#updating = false
  }

  async #watchFolder (folder: string): Promise<void> {
    const seen = await look(folder)
    const inode = 'signature' in seen ? `${seen.signature.dev}:${seen.signature.ino}` : ''
    if (this.#watched.get(folder)?.inode === inode) return
    this.#forget(folder)
    const isLocal = await statfs(folder).then(({ type }) => LOCAL_FILE_SYSTEMS.has(type), () => false)
    if (!isLocal || this.#closed) return
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => this.#onHint(folder, name))
      watcher.on('error', () => this.#forget(folder))
      this.#watched.set(folder, { watcher, inode })
      this.#onWatched(folder)
    } catch {
      // ENOSPC or EMFILE: no watches are left. Polling goes on.
    }
  }

  #forget (folder: string): void {
    this.#watched.get(folder)?.watcher.close()
    this.#watched.delete(folder)
  }
}
