/**
 * The last good content of a source on the disk, for a start while the source is down.
 *
 * The file is written beside its place and renamed, so it is always whole. Changes of many keys are added to it, until they
 * are as many bytes as half of it. Digests detect damage, but do not prove who wrote it: a user who can write to the folder
 * decides which certificates and keys are revoked at such a start. CRLs are verified again when they are read.
 */
import { createHash, randomUUID, scrypt } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readSettledFile } from '../../files.js'
import { type Key, KeyTable, textOf } from '../set/key-table.js'
import { Slices } from '../../turns.js'
import { isTabular, type TabularContent } from './content.js'
import type { RevocationContent } from '../../../types/revocation-source.js'

/** Bytes that are hashed, or written, at a time: hashing them takes about a millisecond. */
const PIECE = 1024 * 1024
/** Keys of a piece. */
const LINES = 1000
const LINE_FEED = 0x0a
/** As long as any other. */
const NO_DIGEST = '='.repeat(44)

interface Head {
  readonly format: 1
  readonly keys?: number | undefined
  readonly bytes?: number | undefined
  /** Bytes of keys and bytes; all of the file if it is missing. */
  readonly length?: number
  readonly version?: string | undefined
  readonly digest: string
}

/** The first line of a change, before the keys that were added and removed. */
interface Change {
  /** The version before and after it. */
  readonly from: string
  readonly version: string
  readonly added: number
  readonly length: number
  readonly digest: string
}

/** A written file, or a change, that is not in its place yet. */
interface PreparedCopy {
  commit (): Promise<void>
  discard (): Promise<void>
}

/** What the file holds. */
interface Written {
  readonly tables: readonly KeyTable[]
  readonly version: string
  readonly length: number
  /** Bytes of the changes. */
  readonly changes: number
}

/** Bytes of changes that are always few enough. */
const FEW_CHANGES = 64 * 1024

export class CachedCopy {
  readonly #folder: string
  readonly #line: string
  readonly #limit: number
  #path: Promise<string> | undefined
  /** Undefined if changes cannot be added. */
  #written: Written | undefined

  /**
   * @param line identifies the source. Lines with different credentials have different copies, and the file name does
   *   not reveal the credentials
   * @param limit bytes of what is read again
   */
  constructor (folder: string, line: string, limit: number) {
    this.#folder = folder
    this.#line = line
    this.#limit = limit
  }

  #place (): Promise<string> {
    this.#path ??= fileNameOf(this.#line).then((name) => join(this.#folder, name))
    return this.#path
  }

  /** The last copy; undefined if there is none, or a damaged one. */
  async read (): Promise<RevocationContent | undefined> {
    const { bytes: file } = await readSettledFile(await this.#place(), { what: 'copy', limit: this.#limit })
    const end = file.indexOf(LINE_FEED)
    const head = JSON.parse(file.toString('utf8', 0, Math.max(end, 0))) as Partial<Head>
    const { format, keys, bytes, version, digest, length = file.length - end - 1 } = head
    const body = file.subarray(end + 1, end + 1 + length)
    if (format !== 1 || digest !== await digestOf([body, describe(keys, bytes, version, length)])) return undefined
    const lines = linesOf(body.subarray(0, body.length - (bytes ?? 0)))
    const changed = keys === undefined || version === undefined
      ? { keys: lines, version }
      : await withChanges({ keys: lines, version }, file.subarray(end + 1 + length))
    return {
      ...(keys !== undefined && { keys: changed.keys }),
      // In a buffer of its own, since it is transferred to another thread.
      ...(bytes !== undefined && { bytes: Buffer.from(Uint8Array.prototype.slice.call(body, body.length - bytes).buffer) }),
      ...(changed.version !== undefined && { version: changed.version })
    }
  }

  /** Writes a content to the disk, before it is known to be good. */
  async prepare (content: RevocationContent | TabularContent): Promise<PreparedCopy> {
    const added = this.#written === undefined ? undefined : await this.#prepareChange(content, this.#written)
    return added ?? await this.#prepareFile(content)
  }

  /** @returns undefined if the file must be written again */
  async #prepareChange (content: RevocationContent | TabularContent, written: Written): Promise<PreparedCopy | undefined> {
    const { version } = content
    if (!isTabular(content) || content.bytes !== undefined || version === undefined) return undefined
    const { tables } = content
    const most = Math.max(FEW_CHANGES, written.length / 2) - written.changes
    const lines: string[] = []
    let length = 0
    let added = 0
    const slices = new Slices()
    for (const [some, others] of [[tables, written.tables], [written.tables, tables]] as const) {
      // The removed ones come last.
      added = lines.length
      for (const key of keysNotIn(some, others)) {
        const line = key === undefined ? undefined : `${textOf(key)}\n`
        if (line !== undefined) lines.push(line)
        length += line?.length ?? 0
        if (length > most) return undefined
        if (slices.over) await slices.next()
      }
    }
    const body = Buffer.from(lines.join(''), 'latin1')
    const { version: from } = written
    const change: Change = { from, version, added, length, digest: await digestOf([body, describe(from, version, added, length)]) }
    return {
      commit: async () => {
        this.#written = undefined
        const handle = await open(await this.#place(), constants.O_WRONLY | constants.O_APPEND)
        try {
          await handle.appendFile(Buffer.concat([Buffer.from(`${JSON.stringify(change)}\n`), body]))
          await handle.datasync()
        } finally {
          await handle.close()
        }
        this.#written = { ...written, tables, version, changes: written.changes + length }
      },
      discard: async () => {}
    }
  }

  async #prepareFile (content: RevocationContent | TabularContent): Promise<PreparedCopy> {
    const { bytes, version } = content
    const count = isTabular(content) ? content.tables.reduce((sum, { size }) => sum + size, 0) : content.keys?.length
    const head = { format: 1, keys: count, bytes: bytes?.length, version } as const
    const textOfHead = (length: number, digest: string): string => JSON.stringify({ ...head, length, digest })
    const room = Buffer.byteLength(textOfHead(Number.MAX_SAFE_INTEGER, NO_DIGEST))
    // The same line may be followed twice, by two lists, or while authorities change.
    const path = await this.#place()
    const written = `${path}.${randomUUID()}.new`
    const handle = await open(written, 'wx', 0o600)
    let isWhole = false
    let length = 0
    try {
      const hash = createHash('sha256')
      const write = async (piece: Uint8Array): Promise<void> => {
        for (let done = 0; done < piece.length;) done += (await handle.write(piece, done)).bytesWritten
      }
      // The digest is known at the end. Until then there is room for it.
      await write(Buffer.from(`${' '.repeat(room)}\n`))
      for await (const piece of piecesOf(content)) {
        hash.update(piece)
        length += piece.length
        await write(piece)
      }
      hash.update(describe(count, bytes?.length, version, length))
      await handle.write(textOfHead(length, hash.digest('base64')), 0)
      await handle.sync()
      isWhole = true
    } finally {
      await handle.close()
      // An incomplete file must not stay on a full disk.
      if (!isWhole) await rm(written, { force: true })
    }
    return {
      commit: async () => {
        this.#written = undefined
        await rename(written, path)
        if (isTabular(content) && bytes === undefined && version !== undefined) {
          this.#written = { tables: content.tables, version, length, changes: 0 }
        }
      },
      discard: () => rm(written, { force: true })
    }
  }
}

/** The keys, a line each, and then the bytes. */
async function * piecesOf (content: RevocationContent | TabularContent): AsyncGenerator<Uint8Array> {
  let lines: string[] = []
  const slices = new Slices()
  for (const key of isTabular(content) ? linesOfTables(content.tables) : content.keys ?? []) {
    lines.push(`${key}\n`)
    if (lines.length === LINES) {
      yield Buffer.from(lines.join(''), 'latin1')
      lines = []
    }
    if (slices.over) await slices.next()
  }
  yield Buffer.from(lines.join(''), 'latin1')
  const { bytes = new Uint8Array() } = content
  for (let start = 0; start < bytes.length; start += PIECE) {
    yield bytes.subarray(start, start + PIECE)
    if (slices.over) await slices.next()
  }
}

function * linesOfTables (tables: readonly KeyTable[]): Generator<string> {
  for (const table of tables) yield * table
}

/** @returns also undefined, now and then, so that the caller can pause */
function * keysNotIn (tables: readonly KeyTable[], others: readonly KeyTable[]): Generator<Key | undefined> {
  for (const [index, table] of tables.entries()) {
    for (const key of table.notIn(others[index] ?? KeyTable.empty)) {
      yield key === undefined || others.some((other) => other.hasKey(key)) ? undefined : key
    }
  }
}

function linesOf (bytes: Buffer): string[] {
  return bytes.length === 0 ? [] : bytes.toString('latin1').trimEnd().split('\n')
}

interface KeysAt {
  readonly keys: readonly string[]
  readonly version: string | undefined
}

/** Keys after the changes that follow them in a file. The last one may be incomplete, and another process may have added some. */
async function withChanges ({ keys, version }: KeysAt, rest: Buffer): Promise<KeysAt> {
  if (rest.length === 0) return { keys, version }
  const now = new Set<string>()
  const slices = new Slices()
  const each = async (lines: readonly string[], act: (line: string) => void): Promise<void> => {
    for (const line of lines) {
      act(line)
      if (slices.over) await slices.next()
    }
  }
  await each(keys, (key) => { now.add(key) })
  let at = version
  for (let start = 0; start < rest.length;) {
    const end = rest.indexOf(LINE_FEED, start)
    const change = changeOf(rest.toString('utf8', start, Math.max(end, start)))
    if (change === undefined) break
    const body = rest.subarray(end + 1, end + 1 + change.length)
    const { from, version, added, length, digest } = change
    if (digest !== await digestOf([body, describe(from, version, added, length)])) break
    start = end + 1 + length
    if (from !== at) continue
    const lines = linesOf(body)
    await each(lines.slice(0, added), (key) => { now.add(key) })
    await each(lines.slice(added), (key) => { now.delete(key) })
    at = version
  }
  return { keys: [...now], version: at }
}

function changeOf (line: string): Change | undefined {
  try {
    const change = JSON.parse(line) as Partial<Change>
    return Number.isSafeInteger(change.length) && (change.length as number) >= 0 ? change as Change : undefined
  } catch {
    return undefined
  }
}

const derive = promisify<string, string, number, Buffer>(scrypt)

/** A slow hash for a line that may hold a secret. */
async function fileNameOf (line: string): Promise<string> {
  if (!/[@?]/.test(line)) return createHash('sha256').update(line).digest('hex')
  return (await derive(line, 'fastify-endpoint copy', 32)).toString('hex')
}

/** What a digest covers beside the keys: with another count, an added key would be a removed one. */
function describe (...words: ReadonlyArray<string | number | undefined>): Buffer {
  return Buffer.from(JSON.stringify(words))
}

async function digestOf (parts: readonly Uint8Array[]): Promise<string> {
  const hash = createHash('sha256')
  const slices = new Slices()
  for (const part of parts) {
    for (let start = 0; start < part.length; start += PIECE) {
      hash.update(part.subarray(start, start + PIECE))
      if (slices.over) await slices.next()
    }
  }
  return hash.digest('base64')
}
