/**
 * The folder `acmeStore`. Its content outlives a restart, so that no restart orders a certificate twice or forgets a Retry-After of the
 * directory.
 *
 *     <acmeStore>/<directory>/account.json             the key and the URL of the account
 *     <acmeStore>/<directory>/lease                    the process that orders now, see lease.ts
 *     <acmeStore>/<directory>/<names>/certificate.pem  key and chain, in one file so that they always match
 *     <acmeStore>/<directory>/<names>/order.json       the open order, its key and its challenges
 *     <acmeStore>/<directory>/<names>/state.json       failures, the next attempt, the renewal window, what was issued
 *
 * Only the user of the process may read it. Each file is written under a temporary name, synced and renamed.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { errors, isCoded, located, reasonOf } from '../errors.js'
import { type FileSignature, isSystemError, readSettledFile, systemReason } from '../files.js'
import type { AcmeArguments } from '../../types/endpoint.js'
import { sweepFolder, writeDurably } from './durable-file.js'

/** Bytes of any file: a certificate for a hundred names has 10 kB, an order with their challenges 300 kB. */
const FILE_LIMIT = 1024 * 1024

/** Bytes that must be free before a certificate is ordered. */
const PROBE = 64 * 1024

/** The most certificates for other names that are read. */
const MOST_OTHERS = 100

export interface Account {
  /** PEM. */
  readonly key: string
  /** Undefined until the directory has confirmed it. */
  readonly url?: string
}

/** The proof that this app controls a name. */
export interface Challenge {
  readonly type: 'tls-alpn-01' | 'http-01'
  readonly name: string
  readonly token: string
  readonly keyAuthorization: string
  /** The certificate of RFC 8737 and its key, in PEM, for tls-alpn-01. */
  readonly certificate?: string
  readonly key?: string
}

export interface OpenOrder {
  readonly url: string
  readonly finalize: string
  /** The key of the new certificate, in PEM. It is stored before the directory gets its public half. */
  readonly key: string
  /** Outstanding until all authorizations are final, since validators come from several places. */
  readonly challenges: readonly Challenge[]
}

export interface RenewalWindow {
  /** The certificate, by the identifier of RFC 9773 section 4.1. */
  readonly certificate: string
  /** Milliseconds since 1970. Absent if the directory has none. */
  readonly start?: number
  readonly end?: number
  /** When to ask again, in milliseconds since 1970. */
  readonly next: number
}

export interface State {
  /** Failures in a row. */
  readonly failures: number
  /** When an attempt failed, and how long to wait after it, in milliseconds. */
  readonly failedAt?: number
  readonly wait?: number
  /** The message of the failure, so that other processes can report it. */
  readonly problem?: string
  /** The type of the challenge that failed last, so that the next attempt tries the other type. */
  readonly failedChallenge?: string
  readonly renewal?: RenewalWindow
  /** When certificates were issued, in milliseconds since 1970, the newest last. */
  readonly issued: readonly number[]
}

const NEW_STATE: State = { failures: 0, issued: [] }

export interface StoredFile {
  readonly bytes: Buffer
  readonly signature: FileSignature
}

/** The part of the store for one directory and one set of names. */
export class AcmeStore {
  /** Absolute. */
  readonly directoryFolder: string
  readonly folder: string
  readonly certificatePath: string
  readonly #root: string

  /** @param folder the base of relative paths */
  constructor ({ store, directory, names, profile }: AcmeArguments, folder = process.cwd()) {
    this.#root = resolve(folder, store)
    const host = new URL(directory).host.replace(/[^a-z0-9.-]/g, '_')
    this.directoryFolder = join(this.#root, `${host}-${digestOf(directory)}`)
    this.folder = join(this.directoryFolder, `${(names[0]).slice(0, 100)}-${digestOf(JSON.stringify([[...names].sort(), profile]))}`)
    this.certificatePath = join(this.folder, 'certificate.pem')
  }

  /** @throws FST_ENDPOINT_ACME_STORE if a folder is not for this user alone, or cannot be written to */
  async open (): Promise<void> {
    for (const folder of [this.#root, this.directoryFolder, this.folder]) {
      await this.#guarded(folder, async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await demandPrivate(folder)
      })
    }
    // A full or read-only disk must stop the start, and not an order halfway.
    await this.probe()
    await sweepFolder(this.folder)
    await sweepFolder(this.directoryFolder)
  }

  /**
   * Checks that there is enough space for an order, by writing a file of that size and removing it.
   * @throws FST_ENDPOINT_ACME_STORE
   */
  async probe (): Promise<void> {
    await this.write('probe', ' '.repeat(PROBE))
    await rm(join(this.folder, 'probe'), { force: true })
  }

  /**
   * Checks the folders that exist, and creates none.
   * @throws FST_ENDPOINT_ACME_STORE
   */
  async inspect (): Promise<void> {
    for (const folder of [this.#root, this.directoryFolder, this.folder]) {
      await this.#guarded(folder, () => demandPrivate(folder)).catch((thrown: Error) => {
        if (!isSystemError(thrown.cause) || thrown.cause.code !== 'ENOENT') throw thrown
      })
    }
  }

  /** The state; undefined if it is missing or damaged. Changes nothing. */
  async peekState (): Promise<State | undefined> {
    const value = await this.#readJson(join(this.folder, 'state.json')).catch(() => undefined)
    return value === undefined || value === DAMAGED ? undefined : value as State
  }

  /** @throws FST_ENDPOINT_ACME_STORE if it is damaged: a new account must not replace it silently */
  async readAccount (): Promise<Account | undefined> {
    const path = join(this.directoryFolder, 'account.json')
    const value = await this.#readJson(path)
    if (value === undefined) return undefined
    const { key, url } = value === DAMAGED ? {} as Partial<Account> : value as Partial<Account>
    if (typeof key !== 'string' || (url !== undefined && typeof url !== 'string')) {
      throw this.problem(path, 'it is damaged. Restore it from a backup, or delete it to register a new account')
    }
    return { key, ...(url !== undefined && { url }) }
  }

  async writeAccount (account: Account): Promise<void> {
    const path = join(this.directoryFolder, 'account.json')
    await this.#guarded(path, () => writeDurably(path, JSON.stringify(account)))
  }

  /** Undefined if there is none. A damaged order is renamed, and the next attempt creates a new one. */
  async readOrder (): Promise<OpenOrder | undefined> {
    const value = await this.#readJson(join(this.folder, 'order.json'))
    if (value === undefined) return undefined
    const order = value === DAMAGED ? {} as Partial<OpenOrder> : value as Partial<OpenOrder>
    const { url, finalize, key, challenges } = order
    const isWhole = [url, finalize, key].every((text) => typeof text === 'string') &&
      Array.isArray(challenges) && challenges.every(isChallenge)
    if (isWhole) return order as OpenOrder
    await this.putAside('order.json')
    return undefined
  }

  async writeOrder (order: OpenOrder): Promise<void> {
    await this.write('order.json', JSON.stringify(order))
  }

  async removeOrder (): Promise<void> {
    const path = join(this.folder, 'order.json')
    await this.#guarded(path, () => rm(path, { force: true }))
  }

  /** If the state is damaged, the Retry-After of the directory is lost. So the result is as if an attempt had just failed. */
  async readState (now: number): Promise<State> {
    const value = await this.#readJson(join(this.folder, 'state.json'))
    if (value === undefined) return NEW_STATE
    const state = value === DAMAGED ? {} as Partial<State> : value as Partial<State>
    const { failures, failedAt = 0, wait = 0, problem = '', failedChallenge = '', renewal, issued } = state
    const { certificate = '', start = 0, end = 0, next = 0 } = renewal ?? {}
    const isWhole = [failures, failedAt, wait, start, end, next].every(Number.isFinite) &&
      [problem, failedChallenge, certificate].every((text) => typeof text === 'string') &&
      Array.isArray(issued) && issued.every(Number.isFinite)
    if (isWhole) return state as State
    await this.putAside('state.json')
    const careful: State = { failures: 1, failedAt: now, wait: AFTER_DAMAGE, problem: 'state.json was damaged', issued: [] }
    await this.writeState(careful)
    return careful
  }

  async writeState (state: State): Promise<void> {
    await this.write('state.json', JSON.stringify(state))
  }

  /** Key and chain; undefined if there are none. */
  async readCertificate (): Promise<StoredFile | undefined> {
    return await this.readCertificateAt(this.certificatePath)
  }

  /** The paths of the certificates for other names, or of other profiles, from the same directory. */
  async otherCertificates (): Promise<string[]> {
    const entries = await readdir(this.directoryFolder, { withFileTypes: true })
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(this.directoryFolder, name))
    return folders.filter((folder) => folder !== this.folder).slice(0, MOST_OTHERS).map((folder) => join(folder, 'certificate.pem'))
  }

  /** Key and chain in that file; undefined if it is missing. */
  async readCertificateAt (path: string): Promise<StoredFile | undefined> {
    return await this.#read(path)
  }

  async writeCertificate (key: string, chain: string): Promise<void> {
    await this.write('certificate.pem', `${key.trimEnd()}\n${chain.trimEnd()}\n`)
  }

  /** Renames a file that cannot be used to `….damaged`, so that nothing is lost. */
  async putAside (name: string): Promise<void> {
    const path = join(this.folder, name)
    await this.#guarded(path, () => rename(path, `${path}.damaged`))
  }

  async write (name: string, text: string): Promise<void> {
    const path = join(this.folder, name)
    await this.#guarded(path, () => writeDurably(path, text))
  }

  /** The metadata of a file, to detect changes by other processes; undefined if it is missing or inaccessible. */
  async look (name: string): Promise<string | undefined> {
    return await stat(join(this.folder, name), { bigint: true }).then(({ ino, size, mtimeNs, ctimeNs }) => {
      return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
    }, () => undefined)
  }

  problem (path: string, reason: string, cause?: unknown): Error {
    return located(new errors.FST_ENDPOINT_ACME_STORE(path, reason), { argument: 'acmeStore', file: path }, cause)
  }

  async #read (path: string): Promise<StoredFile | undefined> {
    try {
      return await readSettledFile(path, { what: `acmeStore "${path}"`, limit: FILE_LIMIT })
    } catch (thrown) {
      if (isCoded(thrown) && isSystemError(thrown.cause) && thrown.cause.code === 'ENOENT') return undefined
      const { cause } = thrown as Error
      const reason = isSystemError(cause) ? systemReason(cause) : reasonOf(thrown)
      throw this.problem(path, `it cannot be read: ${reason}. Make sure that the user of this process can read it`, thrown)
    }
  }

  async #readJson (path: string): Promise<unknown> {
    const file = await this.#read(path)
    if (file === undefined) return undefined
    try {
      const value: unknown = JSON.parse(file.bytes.toString('utf8'))
      return typeof value === 'object' && value !== null ? value : DAMAGED
    } catch {
      return DAMAGED
    }
  }

  async #guarded<T> (path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      if (isCoded(thrown)) throw thrown
      const reason = isSystemError(thrown) ? `it cannot be written: ${systemReason(thrown)}` : reasonOf(thrown)
      throw this.problem(path, reason, thrown)
    }
  }
}

const DAMAGED = Symbol('damaged')

/** Milliseconds. */
const AFTER_DAMAGE = 60 * 60 * 1000

function isChallenge (value: unknown): boolean {
  const { type, name, token, keyAuthorization, certificate = '', key = '' } = (value ?? {}) as Partial<Challenge>
  return (type === 'tls-alpn-01' || type === 'http-01') &&
    [name, token, keyAuthorization, certificate, key].every((text) => typeof text === 'string')
}

function digestOf (text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

async function demandPrivate (folder: string): Promise<void> {
  const { mode, uid } = await stat(folder)
  // Windows has no users.
  const user = process.geteuid?.() ?? uid
  if (uid !== user) {
    throw new Error(`it belongs to another user (${uid}): give it to the user of this process (${user}) with chown`)
  }
  if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
    throw new Error(`other users have access to it (mode ${(mode & 0o7777).toString(8)}), but it contains private keys: run chmod 700`)
  }
}
