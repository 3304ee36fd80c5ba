/**
 * Reads a named file safely: a key, a certificate, a revocation list.
 *
 * A path may lead anywhere. A FIFO would block a plain open for ever, opening a device may affect it, a file may be
 * half written, and one that is replaced meanwhile gives a mixture. So the file is checked before it is opened, opened
 * without blocking, checked again through the descriptor, read within a limit, and checked once more. The result is one
 * state of one regular file, with a signature that later shows whether the file has changed.
 */
import {
  type BigIntStats, closeSync, constants, type Dirent, fstatSync, lstatSync, openSync, readdirSync, readSync, statSync
} from 'node:fs'
import { type FileHandle, lstat, open, opendir, readdir, stat } from 'node:fs/promises'
import { descriptors, isShortage } from './descriptors.js'
import { type ErrorLocation, errors, located, reasonOf } from './errors.js'

/**
 * Identifies one state of a file without reading it. It includes the time of the last change of the
 * inode, because no program can set that back, as `touch -r` does with mtime.
 */
export interface FileSignature {
  readonly dev: bigint
  readonly ino: bigint
  /** Bytes. */
  readonly size: bigint
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint
  /** Nanoseconds since 1970. */
  readonly ctimeNs: bigint
}

export interface BoundedFileOptions {
  /** What the file is called in messages, for example `privateKey "server.key"`. */
  what: string
  /** The most bytes that the file may have. */
  limit: number
  /** What the limit is called in messages, if somebody can set it. */
  limitName?: string
  /** Whether an empty file is fine (`allow`, the default) or an error (`refuse`). */
  empty?: 'allow' | 'refuse'
  /** Put on the errors; `file` is the path unless it is given here. */
  location?: ErrorLocation
}

export interface BoundedFile {
  /** The whole content, in memory of its own. */
  bytes: Buffer
  /** Taken from the descriptor that the bytes were read from. */
  signature: FileSignature
}

/** Most bytes of a file with keys or certificates. Real keys, chains and bundles of authorities are far smaller. */
export const PEM_FILE_LIMIT = 4 * 1024 * 1024
/** Most bytes of a revocation list, unless `limits.listBytes` is set. */
export const LIST_FILE_LIMIT = 64 * 1024 * 1024

const BIGINT = { bigint: true } as const
const DANGLING = 'it is a symbolic link that leads nowhere'
// Windows has neither flag.
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)

/**
 * Reads a regular file as a whole.
 *
 * @throws FST_ENDPOINT_FILE_UNREADABLE, with a reason, if it is missing or cannot be opened or read
 * @throws FST_ENDPOINT_FILE_NOT_REGULAR, with what it is instead; it was not opened
 * @throws FST_ENDPOINT_FILE_TOO_LARGE, with the limit
 * @throws FST_ENDPOINT_FILE_EMPTY, only with `empty: 'refuse'`
 * @throws FST_ENDPOINT_FILE_CHANGED if it was written to while it was read: try again
 */
export async function readBoundedFile (path: string, options: BoundedFileOptions): Promise<BoundedFile> {
  const { what } = options
  const location: ErrorLocation = { file: path, ...options.location }
  let handle: FileHandle | undefined
  try {
    refuseUnfit(await stat(path, BIGINT), options, location)
    handle = await open(path, OPEN_FLAGS)
    const before = await handle.stat(BIGINT)
    refuseUnfit(before, options, location)
    const bytes = await readUpTo(handle, Number(before.size))
    return settled(bytes, before, await handle.stat(BIGINT), options, location)
  } catch (thrown) {
    if (isShortage(thrown)) return descriptors.lend(() => readNow(path, options))
    if (!isSystemError(thrown)) throw thrown
    const reason = await unreadableReason(path, thrown)
    throw located(new errors.FST_ENDPOINT_FILE_UNREADABLE(what, reason), location, thrown)
  } finally {
    await handle?.close()
  }
}

/**
 * Like `readBoundedFile`, but reads again immediately if the file changes while it is read.
 *
 * @throws as `readBoundedFile`; FST_ENDPOINT_FILE_CHANGED if it changed in all readings
 */
export async function readSettledFile (path: string, options: BoundedFileOptions, readings = 3): Promise<BoundedFile> {
  try {
    return await readBoundedFile(path, options)
  } catch (thrown) {
    if (readings === 1 || !(thrown instanceof errors.FST_ENDPOINT_FILE_CHANGED)) throw thrown
    return await readSettledFile(path, options, readings - 1)
  }
}

/**
 * A synchronous `readBoundedFile`, for a thread that does nothing else. It takes a seventh of the time.
 *
 * @throws as `readBoundedFile`
 */
function readBoundedFileSync (path: string, options: BoundedFileOptions): BoundedFile {
  try {
    return readNow(path, options)
  } catch (thrown) {
    if (thrown instanceof Error && isShortage(thrown.cause)) return descriptors.lend(() => readNow(path, options))
    throw thrown
  }
}

/** The entries of a folder, with their types. Blocks the event loop if the process has no descriptors left. */
export async function readFolder (path: string): Promise<Dirent[]> {
  return await readdir(path, { withFileTypes: true }).catch((thrown: unknown) => readFolderNow(path, thrown))
}

/** The same for a folder that may be large, a number of entries at a time. */
export async function openFolder (path: string, bufferSize: number): Promise<AsyncIterable<Dirent> | Iterable<Dirent>> {
  return await opendir(path, { bufferSize }).catch((thrown: unknown) => readFolderNow(path, thrown))
}

function readFolderNow (path: string, thrown: unknown): Dirent[] {
  if (!isShortage(thrown)) throw thrown
  return descriptors.lend(() => readdirSync(path, { withFileTypes: true }))
}

function readNow (path: string, options: BoundedFileOptions): BoundedFile {
  const { what } = options
  const location: ErrorLocation = { file: path, ...options.location }
  let descriptor: number | undefined
  try {
    refuseUnfit(statSync(path, BIGINT), options, location)
    descriptor = openSync(path, OPEN_FLAGS)
    const before = fstatSync(descriptor, BIGINT)
    refuseUnfit(before, options, location)
    const buffer = Buffer.allocUnsafeSlow(Number(before.size) + 1)
    let length = 0
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(
        descriptor, buffer, length, buffer.length - length, null
      )
    }
    return settled(buffer.subarray(0, length), before, fstatSync(descriptor, BIGINT), options, location)
  } catch (thrown) {
    if (!isSystemError(thrown)) throw thrown
    const isLink = thrown.code === 'ENOENT' && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
    throw located(new errors.FST_ENDPOINT_FILE_UNREADABLE(what, isLink ? DANGLING : systemReason(thrown)), location, thrown)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/**
 * A synchronous `readSettledFile`, for a thread that does nothing else.
 *
 * @throws as `readSettledFile`
 */
export function readSettledFileSync (path: string, options: BoundedFileOptions, readings = 3): BoundedFile {
  try {
    return readBoundedFileSync(path, options)
  } catch (thrown) {
    if (readings === 1 || !(thrown instanceof errors.FST_ENDPOINT_FILE_CHANGED)) throw thrown
    return readSettledFileSync(path, options, readings - 1)
  }
}

/** The signature from the result of a `stat` with `bigint: true`. */
export function signatureOf (stats: BigIntStats): FileSignature {
  const { dev, ino, size, mtimeNs, ctimeNs } = stats
  return { dev, ino, size, mtimeNs, ctimeNs }
}

/** Whether two signatures are of the same state of the same file. */
export function sameSignature (a: FileSignature, b: FileSignature): boolean {
  return a.ino === b.ino && a.ctimeNs === b.ctimeNs && a.mtimeNs === b.mtimeNs && a.size === b.size && a.dev === b.dev
}

/** Whether a thrown value came from the operating system (or from Node's check of a path). */
export function isSystemError (thrown: unknown): thrown is NodeJS.ErrnoException & { code: string } {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return false
  return 'syscall' in thrown || thrown.code === 'ERR_INVALID_ARG_VALUE'
}

/** Why the operating system refused, in words for an error message. */
export function systemReason (error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT': return 'there is no such file'
    case 'ENOTDIR': return 'a part of its path is not a folder'
    case 'EACCES': case 'EPERM': return `permission denied (${error.code})`
    case 'ELOOP': return 'its symbolic links form a loop'
    case 'ENAMETOOLONG': return 'its path is too long'
    case 'ENOSPC': case 'EDQUOT': return `there is no space left for it (${error.code})`
    case 'EROFS': return 'its file system is read-only'
    case 'EMFILE': case 'ENFILE': return `too many files are open (${error.code})`
    case 'ERR_INVALID_ARG_VALUE': return 'its path holds a NUL character'
    default: return reasonOf(error)
  }
}

async function unreadableReason (path: string, error: NodeJS.ErrnoException): Promise<string> {
  if (error.code !== 'ENOENT') return systemReason(error)
  const isLink = await lstat(path).then((stats) => stats.isSymbolicLink(), () => false)
  return isLink ? DANGLING : systemReason(error)
}

/** The content, if the file did not change while it was read. */
function settled (
  bytes: Buffer, before: BigIntStats, after: BigIntStats, { what }: BoundedFileOptions, location: ErrorLocation
): BoundedFile {
  const signature = signatureOf(before)
  if (!sameSignature(signature, signatureOf(after)) || bytes.length !== Number(before.size)) {
    throw located(new errors.FST_ENDPOINT_FILE_CHANGED(what), location)
  }
  return { bytes, signature }
}

function refuseUnfit (stats: BigIntStats, options: BoundedFileOptions, location: ErrorLocation): void {
  if (!stats.isFile()) {
    throw located(new errors.FST_ENDPOINT_FILE_NOT_REGULAR(options.what, kindOf(stats)), location)
  }
  if (stats.size > options.limit) {
    const { what, limit, limitName } = options
    const remedy = limitName === undefined ? 'make it smaller' : `raise ${limitName}`
    throw located(new errors.FST_ENDPOINT_FILE_TOO_LARGE(what, `${limit} bytes`, remedy), location)
  }
  if (stats.size === 0n && options.empty === 'refuse') {
    throw located(new errors.FST_ENDPOINT_FILE_EMPTY(options.what, 'fill it'), location)
  }
}

function kindOf (stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a FIFO'
  if (stats.isSocket()) return 'a socket'
  return 'a device'
}

/** Requests one byte more than expected, so that a growing file is noticed and not read further. */
async function readUpTo (handle: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(size + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
}

/**
 * Makes a rename in a folder durable. Not every file system can sync a folder.
 * @throws the error of the system, if the folder cannot be opened
 */
export async function syncFolder (folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().catch(() => {}).finally(() => handle.close())
}
