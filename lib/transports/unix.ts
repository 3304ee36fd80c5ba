/**
 * Unix sockets, as Twisted opens them: lock, remove a stale socket, bind with the right mode, and on
 * close remove the socket and then the lock.
 *
 * The lock is a symbolic link beside the socket to the pid of its holder. A pid alone proves little: in a container it
 * is often 1, or our own from an earlier run. So a lock counts as held in three cases: something answers on the socket;
 * its process is alive and the lock too young for its holder to have bound yet; or this process made it.
 */
import { connect, type ListenOptions, type Server } from 'node:net'
import { lstatSync, readlinkSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { errors, located } from '../errors.js'
import type { UnixEndpoint } from '../../types/endpoint.js'
import { FOLDER_ADVICE, openServer, type Transport, type TransportOptions } from './listening.js'

/** Milliseconds that a process may take from its lock to its socket. */
const YOUNG_LOCK = 2000
/** Milliseconds that a listener may take to accept; a full backlog does not answer, but is alive. */
const ANSWER_TIME = 1000

/**
 * Opens a unix socket.
 * @throws FST_ENDPOINT_SOCKET_LOCKED, FST_ENDPOINT_ADDRESS_IN_USE, FST_ENDPOINT_ADDRESS_FORBIDDEN,
 *   FST_ENDPOINT_LISTEN, FST_ENDPOINT_UNIX_IN_WORKER
 */
export async function openUnix (endpoint: UnixEndpoint, options: TransportOptions): Promise<Transport> {
  const { address, backlog, mode, lockfile, description } = endpoint
  // A name of the abstract namespace is not a file: it has no mode, needs no lock and leaves nothing
  // behind.
  if (address.startsWith('\0')) return openServer(description, { path: address, backlog }, options)
  if (!isMainThread) {
    throw located(new errors.FST_ENDPOINT_UNIX_IN_WORKER(), { endpoint: description })
  }
  const lock = lockfile ? await acquireLock(address, description) : undefined
  try {
    const transport = await openServer(
      description, { path: address, backlog }, options, (server, where) => listenWithMode(server, where, mode)
    )
    return {
      ...transport,
      close: async () => {
        // libuv has removed the socket's file when this returns; the requests under way need neither.
        const closed = transport.close()
        lock?.release()
        await closed
      }
    }
  } catch (error) {
    lock?.release()
    throw error
  }
}

/**
 * Binds under a umask that leaves exactly `mode`. Node binds and listens in one synchronous call, so
 * nobody can connect with other permissions, and no other code runs under this umask.
 */
function listenWithMode (server: Server, where: ListenOptions, mode: number): void {
  const before = process.umask(0o777 & ~mode)
  try {
    // In a cluster the primary would bind, under its own umask, and all workers would share one lock.
    server.listen({ ...where, exclusive: true })
  } finally {
    process.umask(before)
  }
}

interface Lock {
  release (): void
}

/** What distinguishes one lock from another. */
interface ExistingLock {
  /** The pid; undefined for a file that is not a lock of this kind. */
  readonly holder: string | undefined
  readonly ino: bigint
  readonly mtimeNs: bigint
  /** Milliseconds since 1970. */
  readonly madeAt: number
}

/** How often a lock may come and go while it is checked. */
const TRIES = 5

async function acquireLock (address: string, endpoint: string): Promise<Lock> {
  const path = `${address}.lock`
  const release = (): void => releaseLock(path)
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      if (makeLock(path)) return { release }
      const found = readLock(path)
      if (found === undefined) continue
      if (await isHeld(found, address)) break
      if (replaceLock(path, found, address)) return { release }
    }
  } catch (error) {
    throw located(new errors.FST_ENDPOINT_ADDRESS_FORBIDDEN(endpoint, address, FOLDER_ADVICE), { endpoint }, error)
  }
  throw located(new errors.FST_ENDPOINT_SOCKET_LOCKED(address, path), { endpoint })
}

/** Makes the lock, unless there is one. */
function makeLock (path: string): boolean {
  try {
    symlinkSync(String(process.pid), path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function readLock (path: string): ExistingLock | undefined {
  try {
    const stats = lstatSync(path, { bigint: true })
    const { ino, mtimeNs, mtimeMs } = stats
    return { holder: stats.isSymbolicLink() ? readlinkSync(path) : undefined, ino, mtimeNs, madeAt: Number(mtimeMs) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Removes only our own lock, at best effort: a process that dropped its privileges cannot, and leaves a stale lock. */
function releaseLock (path: string): void {
  try {
    if (readLock(path)?.holder === String(process.pid)) unlinkSync(path)
  } catch {}
}

/**
 * Replaces a stale lock with our own and removes the socket beside it, unless another process was faster.
 *
 * Several processes may find the same stale lock at once, and only one may go on to remove the
 * socket: the others would remove the one that the first has opened by then. So each tries to
 * create a claim that is named after the time of the stale lock. Only one process succeeds, and it
 * checks that the lock is still the same one. The claim then becomes the lock.
 */
function replaceLock (path: string, stale: ExistingLock, address: string): boolean {
  const claim = `${path}.${stale.mtimeNs}`
  if (!makeLock(claim)) {
    const rival = readLock(claim)
    if (rival !== undefined && !isAboutToBind(rival)) unlinkSync(claim)
    return false
  }
  try {
    const found = readLock(path)
    if (found?.holder !== stale.holder || found?.ino !== stale.ino || found.mtimeNs !== stale.mtimeNs) return false
    removeStaleSocket(address)
    renameSync(claim, path)
    return true
  } finally {
    rmSync(claim, { force: true })
  }
}

async function isHeld (lock: ExistingLock, address: string): Promise<boolean> {
  // Without a holder it is not a lock of this kind.
  return lock.holder === undefined || await answers(address) || isAboutToBind(lock)
}

function isAboutToBind ({ holder, madeAt }: ExistingLock): boolean {
  const pid = Number(holder)
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  // A lock of this run belongs to another endpoint of ours. An older one is left from an earlier run.
  if (pid === process.pid) return madeAt >= performance.timeOrigin
  return isAlive(pid) && Date.now() - madeAt < YOUNG_LOCK
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: the process is alive, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function answers (address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address)
    socket.setTimeout(ANSWER_TIME, () => settle(true))
    socket.once('connect', () => settle(true))
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code === 'EAGAIN' || error.code === 'EACCES'))
    function settle (answer: boolean): void {
      socket.destroy()
      resolve(answer)
    }
  })
}

/** Removes only a socket. Any other kind of file at this path is a mistake, and stays. */
function removeStaleSocket (address: string): void {
  if (lstatSync(address, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(address)
}
