/**
 * Unix sockets, as Twisted opens them: lock, remove a stale socket, bind with the right mode, and on
 * close remove the socket and then the lock.
 *
 * The lock is a symbolic link beside the socket that points at the pid of its holder. A pid alone
 * proves little: in a container it is often 1, or our own from the run before. So a lock counts as
 * held if somebody answers on the socket, or if its process is alive and the lock so young that its
 * holder may not have come to bind yet.
 */
import { connect, type ListenOptions, type Server } from 'node:net'
import { lstat, readlink, rename, symlink, unlink } from 'node:fs/promises'
import { isMainThread } from 'node:worker_threads'
import { randomBytes } from 'node:crypto'
import { errors, located } from '../errors.js'
import type { UnixEndpoint } from '../../types/endpoint.js'
import { openServer, type Transport, type TransportOptions } from './listening.js'

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
  // A name of the abstract namespace is no file: it has no mode, needs no lock and leaves nothing behind.
  if (address.startsWith('\0')) return openServer(description, { path: address, backlog }, options)
  if (!isMainThread) {
    throw located(new errors.FST_ENDPOINT_UNIX_IN_WORKER(), { endpoint: description })
  }
  const lock = lockfile ? await takeLock(address, description) : undefined
  try {
    if (lock?.stale === true) await removeStaleSocket(address)
    const transport = await openServer(description, { path: address, backlog }, options, (server, where) => listenWithMode(server, where, mode))
    return {
      ...transport,
      close: async () => {
        // libuv removes the socket's file before it closes the descriptor.
        await transport.close()
        await lock?.release()
      }
    }
  } catch (error) {
    await lock?.release()
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
    server.listen(where)
  } finally {
    process.umask(before)
  }
}

interface Lock {
  /** There was a lock of a process that is gone. */
  readonly stale: boolean
  release (): Promise<void>
}

async function takeLock (address: string, endpoint: string): Promise<Lock> {
  const path = `${address}.lock`
  const release = () => unlink(path).catch(ignoreMissing)
  try {
    await symlink(String(process.pid), path)
    return { stale: false, release }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw located(new errors.FST_ENDPOINT_ADDRESS_FORBIDDEN(endpoint, address, 'the folder must exist and be writable for the user of this process'), { endpoint }, error)
    }
  }
  if (await isHeld(path, address)) throw located(new errors.FST_ENDPOINT_SOCKET_LOCKED(address, path), { endpoint })
  // Renamed over the stale one, so that there is a lock at every moment.
  const own = `${path}.${randomBytes(4).toString('hex')}`
  await symlink(String(process.pid), own)
  await rename(own, path)
  return { stale: true, release }
}

async function isHeld (lock: string, address: string): Promise<boolean> {
  if (await answers(address)) return true
  const pid = Number(await readlink(lock).catch(() => 'gone'))
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid || !isAlive(pid)) return false
  const found = await lstat(lock).catch(ignoreMissing)
  return found !== undefined && Date.now() - found.ctimeMs < YOUNG_LOCK
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, under another user.
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

/** Only a socket is removed: a file of another kind under this name is somebody's mistake, and stays. */
async function removeStaleSocket (address: string): Promise<void> {
  const found = await lstat(address).catch(ignoreMissing)
  if (found?.isSocket() === true) await unlink(address).catch(ignoreMissing)
}

function ignoreMissing (error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
