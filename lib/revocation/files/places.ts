/**
 * Where the files of a list are, as seen in one round: the volumes and devices of their folders. It also tells whether
 * one of the folders changed meanwhile.
 */
import { dirname } from 'node:path'
import { type Observation, sameObservation } from '../../watching/observation.js'
import type { FileHost } from './host.js'
import { isReachedThrough, type Volume } from './volume.js'

export class Places {
  readonly #host: FileHost
  /** The folders of volumes that files were read from, in this round or before. */
  readonly #mounts: Set<string>
  /** Each of them, just before files of it were read. */
  readonly #mounted = new Map<string, Observation>()
  readonly #volumes = new Map<string, Promise<Volume | undefined>>()
  readonly #devices = new Map<string, bigint | undefined>()

  /** @param mounts the folders that are found are added */
  constructor (host: FileHost, mounts: Set<string>) {
    this.#host = host
    this.#mounts = mounts
  }

  /** Looks at the known volumes before anything else, so that a later swap is seen as a change. */
  async lookAtMounts (): Promise<void> {
    for (const folder of this.#mounts) this.#mounted.set(folder, await this.#host.look(folder))
  }

  /** The volume that a file is reached through. */
  async volumeThrough (path: string): Promise<Volume | undefined> {
    const volume = await this.volumeOf(path)
    return volume !== undefined && await isReachedThrough(path, volume) ? volume : undefined
  }

  /** The volume of a file's folder. */
  volumeOf (path: string): Promise<Volume | undefined> {
    const folder = dirname(path)
    const volume = this.#volumes.get(folder) ?? this.#findVolume(folder)
    this.#volumes.set(folder, volume)
    return volume
  }

  async deviceOf (path: string): Promise<bigint | undefined> {
    const folder = dirname(path)
    if (!this.#devices.has(folder)) {
      const seen = await this.#host.look(folder)
      this.#devices.set(folder, 'signature' in seen ? seen.signature.dev : undefined)
    }
    return this.#devices.get(folder)
  }

  /**
   * A folder that has changed since it was looked at, or so shortly before that a further change would not show. If
   * there is none, all folders were read in the same state.
   */
  async findUnsettled (scans: ReadonlyArray<ReadonlyMap<string, Observation>>): Promise<string | undefined> {
    for (const scanned of [...scans, this.#mounted]) {
      for (const [path, seen] of scanned) {
        if (!('kind' in seen) || seen.kind !== 'folder') continue
        if (seen.racy || !sameObservation(seen, await this.#host.look(path))) return path
      }
    }
    return undefined
  }

  async #findVolume (folder: string): Promise<Volume | undefined> {
    const found = await this.#host.volumeOf(folder)
    if (found === undefined) return undefined
    this.#mounts.add(found.folder)
    if (!this.#mounted.has(found.folder)) this.#mounted.set(found.folder, await this.#host.look(found.folder))
    // It may have been swapped before it was looked at.
    return await this.#host.volumeOf(folder)
  }
}
