/** What the compared servers have in common. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Child } from '../../test/support/children.js'
import type { RefusalSite } from './site.js'

/** A running server. */
export interface Peer {
  readonly port: number
  /** Revokes mallory in the way of the server. It may take effect later. */
  revoke (): Promise<void>
}

/** A program, in one configuration. */
export interface PeerKind {
  readonly name: string
  /** How it learns that a certificate is revoked. */
  readonly notice: string
  /** A command that prints its version. */
  readonly probe: readonly [string, ...string[]]
  /** The Debian package that contains it; undefined if it is part of this repository. */
  readonly debian?: string
  /** @param cleanup receives what to do after the measurement, the last first */
  start (site: RefusalSite, cleanup: Cleanup): Promise<Peer>
}

/** The part of tap's `t` that the processes of tests need. */
export interface Cleanup {
  teardown (action: () => unknown): void
}

/** The version that a program prints, or undefined if it is missing. */
export function versionOf ([command, ...args]: PeerKind['probe']): string | undefined {
  try {
    // Some print it on standard error.
    return /\d+(\.\d+)+/.exec(execFileSync('sh', ['-c', '"$0" "$@" 2>&1', command, ...args], { encoding: 'utf8' }))?.[0]
  } catch {
    return undefined
  }
}

/** Starts a program that SIGTERM ends together with its children, which SIGKILL would leave behind. */
export function startPeer (cleanup: Cleanup, command: string, args: readonly string[]): Child {
  const child = new Child(cleanup, command, args)
  cleanup.teardown(async () => {
    child.kill('SIGTERM')
    const patience = new AbortController()
    await Promise.race([child.ended, pause(5_000, undefined, { signal: patience.signal }).catch(() => {})])
    patience.abort()
  })
  return child
}

/** Resolves when something listens on a port; rejects if the program ends before. */
export async function portOpens (port: number, child: Child): Promise<void> {
  while (child.process.exitCode === null) {
    const socket = connect(port, '127.0.0.1')
    const open = await once(socket, 'connect').then(() => true, () => false)
    socket.destroy()
    if (open) return
    await pause(20)
  }
  throw new Error(`the program ended: ${child.output}`)
}
