/**
 * Reading files for one load, in which several readers take part: what more than one of them names is looked at
 * and read once, so that all of them find it in the same state.
 *
 * What was looked at before it was read for the first of them was so for the others too, and a later change is
 * seen by all of them.
 */
import { resolve } from 'node:path'
import { type BoundedFile, type BoundedFileOptions, readFolder, readSettledFile } from '../files.js'
import { isRacy, look, type Observation } from '../watching/observation.js'

export interface ReadFile extends BoundedFile {
  /** Whether it was read so shortly after a change that the signature may hide another. */
  readonly racy: boolean
}

export class FileReader {
  /** What the readers have looked at, by its absolute path, as it was just before it was read. */
  readonly seen = new Map<string, Observation>()
  readonly #folder: string
  readonly #looks = new Map<string, Promise<Observation>>()
  readonly #files = new Map<string, Promise<ReadFile>>()
  readonly #folders = new Map<string, Promise<readonly string[]>>()
  readonly #parsed = new Map<string, Promise<unknown>>()

  /** @param folder what relative paths start from */
  constructor (folder = process.cwd()) {
    this.#folder = folder
  }

  /** Another one that takes part. */
  reader (): Reader {
    return new Reader(this)
  }

  /** @internal */
  pathOf (file: string): string {
    return resolve(this.#folder, file)
  }

  /** @internal */
  look (path: string): Promise<Observation> {
    return once(this.#looks, path, async () => {
      const seen = await look(path)
      this.seen.set(path, seen)
      return seen
    })
  }

  /** @internal */
  read (path: string, options: BoundedFileOptions): Promise<ReadFile> {
    const read = this.#files.get(path)
    // What is wrong with it is told in the words of who asks.
    return read === undefined ? once(this.#files, path, () => readFile(path, options)) : read.catch(() => readFile(path, options))
  }

  /** @internal */
  list (path: string): Promise<readonly string[]> {
    return once(this.#folders, path, async () => (await readFolder(path)).map(({ name }) => name))
  }

  /** @internal */
  parse<T> (path: string, options: BoundedFileOptions, parse: (file: ReadFile) => T): Promise<T> {
    return once(this.#parsed, path, async () => {
      const read = this.#files.has(path) ? this.read(path, options) : readFile(path, options)
      return parse(await read)
    }) as Promise<T>
  }
}

/** One of those that read. */
export class Reader {
  /** What it has looked at, by its absolute path, as it was just before it was read. */
  readonly observed = new Map<string, Observation>()
  /** Those of it that somebody has named, and that were not only found in a folder. */
  readonly named = new Set<string>()
  readonly #reading: FileReader

  /** @internal */
  constructor (reading: FileReader) {
    this.#reading = reading
  }

  async look (file: string): Promise<Observation> {
    const path = this.#reading.pathOf(file)
    const seen = await this.#reading.look(path)
    this.observed.set(path, seen)
    return seen
  }

  /** @throws see `readSettledFile` */
  async read (file: string, options: BoundedFileOptions): Promise<ReadFile> {
    await this.#lookAtNamed(file)
    return await this.#reading.read(this.#reading.pathOf(file), options)
  }

  /**
   * The names in a folder.
   * @throws what the system says
   */
  async list (folder: string): Promise<readonly string[]> {
    await this.#lookAtNamed(folder)
    return await this.#reading.list(this.#reading.pathOf(folder))
  }

  /**
   * Reads a file, one of many in a folder: what is made of it is kept for the other readers, and not its content.
   *
   * @param parse the same for all readers of a file
   * @throws see `readSettledFile`, and what `parse` throws
   */
  async parse<T> (file: string, options: BoundedFileOptions, parse: (file: ReadFile) => T): Promise<T> {
    await this.look(file)
    return await this.#reading.parse(this.#reading.pathOf(file), options, parse)
  }

  async #lookAtNamed (file: string): Promise<void> {
    this.named.add(this.#reading.pathOf(file))
    await this.look(file)
  }
}

function once<T> (made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = made.get(key)
  if (known !== undefined) return known
  const making = make()
  made.set(key, making)
  return making
}

async function readFile (path: string, options: BoundedFileOptions): Promise<ReadFile> {
  const file = await readSettledFile(path, options)
  return { ...file, racy: isRacy(file.signature) }
}
