/**
 * What a revoked client sees: our server beside others, each of which learns of the revocation in its own way.
 *
 *     npm run bench:refusals
 *
 * All servers have the same certificates and responses. Before mallory is revoked, he gets a response and sessions, and opens a
 * connection and a stream. As soon as the revocation is in force, that is when a new handshake of his fails, the benchmark looks
 * at what happens to each of them. The table goes to standard output,
 * and what is going on to standard error. A missing program is named and left out.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { haproxyReloaded, haproxyRuntime } from './refusals/haproxy.js'
import { nginxAsItComes, nginxSharedSessions } from './refusals/nginx.js'
import { nodeHttps, ours } from './refusals/node.js'
import { versionOf, type Cleanup, type PeerKind } from './refusals/peer.js'
import { makeRefusalSite } from './refusals/site.js'
import { twisted } from './refusals/twisted.js'
import { attempt, OpenConnection, Session, type Target, type Version } from './refusals/client.js'

const KINDS = [ours, nginxAsItComes, nginxSharedSessions, haproxyReloaded, haproxyRuntime, nodeHttps, twisted]
const VERSIONS: readonly Version[] = ['tls1_2', 'tls1_3']
const HEAD = `\
| server | learns it from | new handshake | with an earlier session | next request on an open connection | stream in progress | open connection of a good client |
|---|---|---|---|---|---|---|`

/** Milliseconds for all measurements of one server. */
const PATIENCE = 60_000

async function measure (kind: PeerKind, cleanup: Cleanup): Promise<string[]> {
  const site = await makeRefusalSite(cleanup)
  const peer = await kind.start(site, cleanup)
  const target: Target = { site, port: peer.port }
  const sessions: Session[] = []
  const resumes: boolean[] = []
  for (const version of VERSIONS) {
    // Whether this server resumes sessions at all.
    resumes.push((await (await Session.take(target, 'alice', version)).bring())?.resumed === true)
    sessions.push(await Session.take(target, 'mallory', version))
  }
  const [idle, good, streaming] = await Promise.all((['mallory', 'alice', 'mallory'] as const).map((who) => OpenConnection.open(target, who, cleanup))) as [OpenConnection, OpenConnection, OpenConnection]
  for (const connection of [idle, good]) {
    if (await connection.ask() !== 'served') throw new Error('a connection is not served before anybody is revoked')
  }
  await streaming.stream()

  await peer.revoke()
  await inForce(target)
  const fresh: string[] = []
  const resumed: string[] = []
  for (const [index, version] of VERSIONS.entries()) {
    fresh.push((await attempt(target, 'mallory', version)).outcome)
    resumed.push(resumes[index] === true ? await broughtBack(sessions[index] as Session) : 'never resumed')
  }
  const streams = await streaming.streamsOn()
  const next = idle.open ? await idle.ask() : 'closed before it'
  const goodGoesOn = await good.ask() === 'served'
  if ((await attempt(target, 'alice', 'tls1_3')).outcome !== 'served') throw new Error('a good client is rejected too')
  return [kind.name, kind.notice, bothVersions(fresh), bothVersions(resumed), next, streams ? 'continues' : 'closed', goodGoesOn ? 'stays open' : 'closed']
}

function bothVersions ([first, second]: readonly string[]): string {
  return first === second ? String(first) : `TLS 1.2: ${first}; TLS 1.3: ${second}`
}

/** Resolves when mallory is rejected three times in a row: an old process may still accept for a moment. */
async function inForce (target: Target): Promise<void> {
  for (let refused = 0; refused < 3;) {
    refused = (await attempt(target, 'mallory', 'tls1_3')).outcome === 'served' ? 0 : refused + 1
    await pause(20)
  }
}

async function broughtBack (session: Session): Promise<string> {
  const attempt = await session.bring()
  if (attempt === undefined) return 'never resumed'
  return `${attempt.resumed ? 'resumed' : 'not resumed'}, ${attempt.outcome}`
}

/** Runs one measurement, and afterwards, even if it fails, all cleanups. */
async function withCleanup<T> (work: (cleanup: Cleanup) => Promise<T>): Promise<T> {
  const actions: Array<() => unknown> = []
  try {
    return await work({ teardown: (action) => { actions.unshift(action) } })
  } finally {
    for (const action of actions) await action()
  }
}

async function atMost<T> (milliseconds: number, interrupted: AbortSignal, work: Promise<T>): Promise<T> {
  const timeout = new AbortController()
  const never = pause(milliseconds, undefined, { signal: AbortSignal.any([timeout.signal, interrupted]) })
    .then(() => { throw new Error(`not done within ${milliseconds} ms`) })
  try {
    return await Promise.race([work, never])
  } finally {
    timeout.abort()
  }
}

const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort())

const versions = new Map<string, string>([['OpenSSL (client)', versionOf(['openssl', 'version']) ?? 'missing: install the Debian package openssl']])
const rows: string[] = []
for (const kind of KINDS) {
  const version = versionOf(kind.probe)
  const program = kind === ours ? 'Node.js' : kind.name.split(/[ ,]/)[0] as string
  if (version === undefined) {
    console.error(`${kind.name} is missing: install the Debian packages ${kind.debian}`)
    continue
  }
  versions.set(program, version)
  console.error(`${kind.name} …`)
  const cells = await withCleanup((cleanup) => atMost(PATIENCE, interruption.signal, measure(kind, cleanup)))
  rows.push(`| ${cells.join(' | ')} |`)
}
console.log([[...versions].map((pair) => pair.join(' ')).join(', '), '', HEAD, ...rows].join('\n'))
