/**
 * Where files are looked at and read: on the main thread, which must not block, or in the worker, which may. There,
 * asynchronous calls would take four times as long.
 */
import { lstatSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { type BoundedFile, type BoundedFileOptions, readSettledFileSync } from '../../files.js'
import { lookSync, type Observation } from '../../watching/observation.js'
import { type FileRevocations, type FileToRead, readRevocationFile } from './file-content.js'
import { type Volume, volumeOfSync } from './volume.js'

type Awaitable<T> = T | Promise<T>

export interface FileHost {
  /** Files, at most. */
  readonly capacity: number
  /** Files that are read at a time. */
  readonly concurrency: number
  look (path: string): Awaitable<Observation>
  /** Whether there is nothing, not even a link that leads nowhere. */
  isGone (path: string): Awaitable<boolean>
  /** See `volumeOf`. */
  volumeOf (folder: string): Awaitable<Volume | undefined>
  /** Gets the size of a file that will be read, so that a thread can start meanwhile. */
  announce (bytes: number): void
  /** See `readSettledFile`. */
  read (path: string, options: BoundedFileOptions): Awaitable<BoundedFile>
  /** See `readRevocationFile`. */
  revocations (file: FileToRead): Awaitable<FileRevocations>
  /** Lets others have a turn of the event loop. */
  yieldTurn (): Awaitable<void>
}

export function ownThread (): FileHost {
  return {
    capacity: Infinity,
    concurrency: 1,
    look: lookSync,
    isGone (path) {
      try {
        lstatSync(path)
        return false
      } catch {
        return true
      }
    },
    volumeOf: volumeOfSync,
    announce () {},
    read: readSettledFileSync,
    revocations: ({ authorities: { all: signers }, ...file }) => readRevocationFile({ ...file, signers }),
    yieldTurn: () => setImmediate()
  }
}
