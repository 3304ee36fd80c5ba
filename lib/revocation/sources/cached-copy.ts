/**
 * The last good content of a source on the disk, for a start while the source is down.
 *
 * The file is written beside its place and renamed, so it is always whole. A digest detects damage, but does not prove
 * who wrote it: a user who can write to the folder decides which certificates and keys are revoked at such a start.
 * CRLs are verified again when they are read.
 */
import { createHash, randomUUID, scrypt } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readSettledFile } from '../../files.js'
import { Slices } from '../../turns.js'
import type { RevocationContent } from '../../../types/revocation-source.js'

/** Bytes that are hashed, or written, at a time: hashing them takes about a millisecond. */
const PIECE = 1024 * 1024
const LINE_FEED = 0x0a

interface Head {
  readonly format: 1
  readonly keys?: number | undefined
  readonly bytes?: number | undefined
  readonly version?: string | undefined
  readonly digest: string
}

/** A written file that is not in its place yet. */
interface PreparedCopy {
  commit (): Promise<void>
  discard (): Promise<void>
}

export class CachedCopy {
  readonly #folder: string
  readonly #line: string
  readonly #limit: number
  #path: Promise<string> | undefined

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
    const { format, keys, bytes, version, digest } = JSON.parse(file.toString('utf8', 0, Math.max(end, 0))) as Partial<Head>
    const body = file.subarray(end + 1)
    if (format !== 1 || digest !== await digestOf([body])) return undefined
    const text = body.toString('latin1', 0, body.length - (bytes ?? 0))
    return {
      ...(keys !== undefined && { keys: text === '' ? [] : text.trimEnd().split('\n') }),
      // In a buffer of its own, since it is transferred to another thread.
      ...(bytes !== undefined && { bytes: Buffer.from(Uint8Array.prototype.slice.call(body, body.length - bytes).buffer) }),
      ...(version !== undefined && { version })
    }
  }

  /** Writes a content to the disk, before it is known to be good. */
  async prepare ({ keys, bytes, version }: RevocationContent): Promise<PreparedCopy> {
    const lines = keys === undefined ? [] : keys.map((key) => `${key}\n`)
    const parts = [Buffer.from(lines.join(''), 'latin1'), bytes ?? Buffer.alloc(0)]
    const head: Head = { format: 1, keys: keys?.length, bytes: bytes?.length, version, digest: await digestOf(parts) }
    // The same line may be followed twice, by two lists, or while authorities change.
    const path = await this.#place()
    const written = `${path}.${randomUUID()}.new`
    const handle = await open(written, 'wx', 0o600)
    let isWhole = false
    try {
      await handle.write(Buffer.from(`${JSON.stringify(head)}\n`))
      for (const part of parts) {
        for (let start = 0; start < part.length;) {
          start += (await handle.write(
            part, start, Math.min(PIECE, part.length - start)
          )).bytesWritten
        }
      }
      await handle.sync()
      isWhole = true
    } finally {
      await handle.close()
      // An incomplete file must not stay on a full disk.
      if (!isWhole) await rm(written, { force: true })
    }
    return {
      commit: () => rename(written, path),
      discard: () => rm(written, { force: true })
    }
  }
}

const derive = promisify<string, string, number, Buffer>(scrypt)

/** A slow hash for a line that may hold a secret. */
async function fileNameOf (line: string): Promise<string> {
  if (!/[@?]/.test(line)) return createHash('sha256').update(line).digest('hex')
  return (await derive(line, 'fastify-endpoint copy', 32)).toString('hex')
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
