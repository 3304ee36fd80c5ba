/**
 * Reads files for one load with several readers. A file that more than one of them names is read once, so that all of them
 * see the same state.
 *
 * Its observation is made before it is read for the first of them, and counts for all. So all of them see a later change.
 */
import { resolve } from 'node:path'
import { type BoundedFile, type BoundedFileOptions, readFolder, readSettledFile } from '../files.js'
import { isRacy, look, type Observation } from '../watching/observation.js'

export interface ReadFile extends BoundedFile {
  /** Whether it was read so soon after a change that its signature may hide another one. */
  readonly racy: boolean
}

export class FileReader {
  /** Observations by absolute path, each made just before the file was read. */
  readonly observed = new Map<string, Observation>()
  readonly #folder: string
  readonly #looks = new Map<string, Promise<Observation>>()
  readonly #files = new Map<string, Promise<ReadFile>>()
  readonly #folders = new Map<string, Promise<readonly string[]>>()
  readonly #parsed = new Map<string, Promise<unknown>>()

  /** @param folder the base of relative paths */
  constructor (folder = process.cwd()) {
    this.#folder = folder
  }

  /** Adds a reader. */
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
      this.observed.set(path, seen)
      return seen
    })
  }

  /** @internal */
  read (path: string, options: BoundedFileOptions): Promise<ReadFile> {
    const file = this.#files.get(path)
    // If it fails, read it again: the message names the argument of this reader.
    return file === undefined ? once(this.#files, path, () => readFile(path, options)) : file.catch(() => readFile(path, options))
  }

  /** @internal */
  list (path: string): Promise<readonly string[]> {
    return once(this.#folders, path, async () => (await readFolder(path)).map(({ name }) => name))
  }

  /** @internal */
  parse<T> (path: string, options: BoundedFileOptions, parse: (file: ReadFile) => T): Promise<T> {
    return once(this.#parsed, path, async () => {
      const file = this.#files.has(path) ? this.read(path, options) : readFile(path, options)
      return parse(await file)
    }) as Promise<T>
  }
}

/** Reads the files of one endpoint. */
export class Reader {
  /** Its observations by absolute path, each made just before the file was read. */
  readonly observed = new Map<string, Observation>()
  /** The paths among them that the endpoint names; the others were found in a folder. */
  readonly named = new Set<string>()
  readonly #files: FileReader

  /** @internal */
  constructor (files: FileReader) {
    this.#files = files
  }

  async look (file: string): Promise<Observation> {
    const path = this.#files.pathOf(file)
    const seen = await this.#files.look(path)
    this.observed.set(path, seen)
    return seen
  }

  /** @throws see `readSettledFile` */
  async read (file: string, options: BoundedFileOptions): Promise<ReadFile> {
    await this.#lookAt(file)
    return await this.#files.read(this.#files.pathOf(file), options)
  }

  /**
   * The names in a folder.
   * @throws the error of the system
   */
  async list (folder: string): Promise<readonly string[]> {
    await this.#lookAt(folder)
    return await this.#files.list(this.#files.pathOf(folder))
  }

  /**
   * Reads one of many files in a folder. Keeps the result of `parse` for the other readers, and not the content.
   *
   * @param parse the same for all readers of a file
   * @throws see `readSettledFile`, and what `parse` throws
   */
  async parse<T> (file: string, options: BoundedFileOptions, parse: (file: ReadFile) => T): Promise<T> {
    await this.look(file)
    return await this.#files.parse(this.#files.pathOf(file), options, parse)
  }

  async #lookAt (file: string): Promise<void> {
    this.named.add(this.#files.pathOf(file))
    await this.look(file)
  }
}

function once<T> (results: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const result = results.get(key) ?? make()
  results.set(key, result)
  return result
}

async function readFile (path: string, options: BoundedFileOptions): Promise<ReadFile> {
  const file = await readSettledFile(path, options)
  return { ...file, racy: isRacy(file.signature) }
}
