/** What a client of a server sees, in words for the table. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:tls'
import { Peer as Client, head } from '../../test/support/peer.js'
import { run } from '../../test/support/programs.js'
import type { Cleanup } from './peer.js'
import type { RefusalSite } from './site.js'

export type Version = 'tls1_2' | 'tls1_3'
export type Who = 'alice' | 'mallory'

export interface Target {
  readonly site: RefusalSite
  readonly port: number
}

/** One handshake and one request, as `openssl s_client` sees them. */
export interface Attempt {
  readonly resumed: boolean
  /** `served`, `alert 44`, `HTTP 400`, or `closed, no alert`. */
  readonly outcome: string
}

export async function attempt ({ site, port }: Target, who: Who, version: Version, sessionArguments: readonly string[] = []): Promise<Attempt> {
  const { stdout, stderr } = await run('openssl', [
    's_client', '-ign_eof', '-connect', `127.0.0.1:${port}`, `-${version}`, '-CAfile', site.path('ca.pem'),
    '-cert', site.path(`${who}.pem`), '-key', site.path(`${who}.key`), ...sessionArguments
  ], { input: 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n' })
  const alert = /SSL alert number (\d+)/.exec(stderr + stdout)?.[1]
  // s_client writes what the server sent directly to standard output, past the buffer of its own messages, so it may be anywhere.
  const status = /HTTP\/1\.\d (\d+)/.exec(stdout)?.[1]
  return {
    resumed: /Reused, TLSv1/.test(stdout),
    outcome: alert !== undefined ? `alert ${alert}` : status === undefined ? 'closed, no alert' : status === '200' ? 'served' : `HTTP ${status}`
  }
}

/** A session of a client: from a full handshake, resumed later. */
export class Session {
  readonly #target: Target
  readonly #who: Who
  readonly #version: Version
  readonly #file: string

  private constructor (target: Target, who: Who, version: Version) {
    this.#target = target
    this.#who = who
    this.#version = version
    this.#file = target.site.path(`session-${who}-${version}`)
  }

  static async take (target: Target, who: Who, version: Version): Promise<Session> {
    const session = new Session(target, who, version)
    const { outcome } = await attempt(target, who, version, ['-sess_out', session.#file])
    if (outcome !== 'served') throw new Error(`${who} is not served before anybody is revoked: ${outcome}`)
    return session
  }

  /** The result of resuming it; undefined if the server gave no session. */
  async bring (): Promise<Attempt | undefined> {
    return existsSync(this.#file) ? await attempt(this.#target, this.#who, this.#version, ['-sess_in', this.#file]) : undefined
  }
}

/** An open connection of TLS 1.3, with one request done or a stream in progress. */
export class OpenConnection {
  readonly #client: Client

  private constructor (client: Client) {
    this.#client = client
  }

  static async open ({ site, port }: Target, who: Who, cleanup: Cleanup): Promise<OpenConnection> {
    const { chain, key } = site[who]
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: site.ca.certificate, cert: chain, key, minVersion: 'TLSv1.3' })
    const client = new Client(cleanup, socket)
    await Promise.race([once(socket, 'secureConnect'), client.closed.then(() => { throw new Error('closed in the handshake') })])
    return new OpenConnection(client)
  }

  get open (): boolean {
    return !this.#client.socket.destroyed && !this.#client.socket.readableEnded
  }

  /** Sends a request: `served`, the status of another response, or `closed`. */
  async ask (): Promise<string> {
    if (!this.open) return 'closed'
    this.#client.received = ''
    this.#client.send(head('/'))
    const answer = await this.#client.until('\r\n\r\n').catch(() => '')
    const status = /^HTTP\/1\.\d (\d+)/.exec(answer)?.[1]
    if (status !== '200') return status === undefined ? 'closed' : `HTTP ${status}`
    return await this.#client.until('served').then(() => 'served', () => 'closed')
  }

  /** Starts a stream, and resolves with its first line. */
  async stream (): Promise<void> {
    this.#client.send(head('/stream'))
    await this.#client.until('tick 1.')
  }

  /** Whether a stream goes on for another second. */
  async streamsOn (): Promise<boolean> {
    const last = /.*tick (\d+)\./s.exec(this.#client.received)?.[1]
    return await this.#client.until(`tick ${Number(last) + 20}.`).then(() => true, () => false)
  }
}
