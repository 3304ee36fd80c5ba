/**
 * Where files are looked at and read: on the main thread, which must not wait, or in a thread that has
 * nothing else to do, where not to wait would take four times as long.
 */
import { lstatSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { type BoundedFile, type BoundedFileOptions, readSettledFileSync } from '../../files.js'
import { lookSync, type Observation } from '../../watching/observation.js'
import { type FileRevocations, type FileToRead, readRevocationFile } from './file-content.js'
import { type Volume, volumeOfSync } from './volume.js'

type Awaitable<T> = T | Promise<T>

export interface FileHost {
  /** The most files that this is the place for. */
  readonly most: number
  /** How many are read at a time. */
  readonly atATime: number
  look (path: string): Awaitable<Observation>
  /** Whether there is nothing, not even a link that leads nowhere. */
  isGone (path: string): Awaitable<boolean>
  /** See the function. */
  volumeOf (folder: string): Awaitable<Volume | undefined>
  /** Told of the size of a file that will be read. */
  expect (bytes: number): void
  /** See `readSettledFile`. */
  read (path: string, options: BoundedFileOptions): Awaitable<BoundedFile>
  /** See `readRevocationFile`. */
  revocations (file: FileToRead): Awaitable<FileRevocations>
  /** Lets others have their turn. */
  rest (): Awaitable<void>
}

export function ownThread (): FileHost {
  return {
    most: Infinity,
    atATime: 1,
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
    expect () {},
    read: readSettledFileSync,
    revocations: ({ authorities: { all: signers }, ...file }) => readRevocationFile({ ...file, signers }),
    rest: () => setImmediate()
  }
}
