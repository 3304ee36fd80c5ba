/**
 * Finds the server that has a set now: the only one of its address, the primary that sentinels name, or the one to which
 * a cluster redirects.
 *
 * An attacker may control a sentinel, or a server of a cluster. So a server that it names gets no more trust than itself.
 * TLS stays TLS, with a certificate that the list requires. In clear text, a public server cannot lead to a private
 * address, nor a private one to a public address. The number of steps is bounded.
 */
import { isIPv6 } from 'node:net'
import { type AddressKind, kindOf } from '../address-kind.js'
import type { Reach } from '../reach.js'
import { NAME, type RedisHost, textOf } from './address.js'
import { GuardedRedis, isReply, NO_REDIS, type Place, problemOf, type ReadAddress, reasonIn, unavailable } from './guarded.js'
import { SENTINEL_ANSWERS } from './replies.js'

/** Tries a server; throws `Moved` if the set is at another one. */
type Attempt<T> = (place: Place) => Promise<T>

/** Most redirects in a row. A cluster that is in order needs one. */
const MOST_REDIRECTS = 5
/** A sentinel answers with an address, or with an error. */
const SENTINEL_BYTES = 64 * 1024
/** Milliseconds for a sentinel, so that a silent one costs little: the next one is asked instead. */
const SENTINEL_TIMEOUT = 2000
/** How often to ask the same sentinel: it may be cut off from the others, and not know. */
const MOST_QUESTIONS = 6
const LONGEST_REASONS = 600

/** The set is at another server of the cluster. */
export class Moved extends Error {
  readonly place: Place

  constructor (place: Place) {
    super(`the set is at ${textOf(place)}`)
    this.place = place
  }
}

/**
 * Connects to the server that has the set.
 *
 * @param sentinels only for the address of a set behind Sentinel
 * @throws FST_ENDPOINT_REDIS_UNAVAILABLE, and what `attempt` throws
 */
export async function connectToPrimary<T> (address: ReadAddress, sentinels: Sentinels | undefined, attempt: Attempt<T>): Promise<T> {
  if (sentinels !== undefined) return await sentinels.lead(attempt)
  if (address.kind === 'server') return await attempt(address.hosts[0])
  return await firstOf(address, rotated(address.hosts), (seed) => follow(address, seed, attempt))
}

/** Where a redirect of a cluster leads; undefined if it is another error. */
export function redirectOf (address: ReadAddress, from: GuardedRedis, thrown: unknown): { isAsk: boolean, place: Place } | undefined {
  if (address.kind !== 'cluster' || !isReply(thrown)) return undefined
  const [, word, host = '', port = ''] = /^(MOVED|ASK) [0-9]{1,5} (.{0,255}):([0-9]{1,5})$/.exec(thrown.message) ?? []
  if (word === undefined) return undefined
  // Without a host, it is the host that was asked.
  const place = hostFrom(host === '' ? from.place.host : host, port)
  if (place === undefined) throw unavailable(address, 'it redirects to an address that is none', from.place)
  return { isAsk: word === 'ASK', place: { ...place, ...reachOf(address, from, place, 'a server of the cluster') } }
}

export class Sentinels {
  readonly #address: ReadAddress
  readonly #timeout: number
  readonly #hosts: readonly RedisHost[]
  #turn = 0
  #open: GuardedRedis | undefined
  #questions = 0
  #isClosed = false

  constructor (address: ReadAddress, timeout: number) {
    this.#address = address
    this.#timeout = Math.min(timeout, SENTINEL_TIMEOUT)
    this.#hosts = rotated(address.hosts)
  }

  /**
   * Tries what a sentinel calls the primary; after a failure, what the next sentinel does.
   *
   * @throws FST_ENDPOINT_REDIS_UNAVAILABLE with the reason of each
   */
  async lead<T> (attempt: Attempt<T>): Promise<T> {
    return await firstOf(this.#address, this.#hosts, async () => {
      try {
        return await attempt(await this.#ask())
      } catch (thrown) {
        this.#next()
        throw thrown
      }
    })
  }

  close (): void {
    this.#isClosed = true
    this.#leave()
  }

  async #ask (): Promise<Place> {
    const address = this.#address
    if (this.#isClosed) throw unavailable(address, 'the connection is closed')
    if (++this.#questions > MOST_QUESTIONS) this.#next()
    const sentinel = this.#hosts[this.#turn] as RedisHost
    const from = this.#open ??= await GuardedRedis.open(
      address, { ...sentinel, isSentinel: true }, { timeout: this.#timeout, limit: SENTINEL_BYTES, shape: SENTINEL_ANSWERS }
    )
    if (this.#isClosed) this.#leave()
    from.incoming.resetBudget()
    try {
      const answer: unknown = await from.redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', address.master ?? '')
      const [host, port] = Array.isArray(answer) ? answer as unknown[] : []
      const place = hostFrom(host, port)
      if (place === undefined) throw unavailable(address, NO_REDIS, sentinel)
      return { ...place, ...reachOf(address, from, place, 'a sentinel') }
    } catch (thrown) {
      if (from.incoming.problem === 'absent') throw unavailable(address, 'the sentinel knows no primary by the name of master=', sentinel)
      throw problemOf(address, from.incoming) ?? unavailable(address, thrown, sentinel)
    }
  }

  #leave (): void {
    this.#open?.close()
    this.#open = undefined
  }

  #next (): void {
    this.#leave()
    this.#questions = 0
    this.#turn = (this.#turn + 1) % this.#hosts.length
  }
}

/** Tries a server of a cluster, and where it redirects to. */
export async function follow<T> (address: ReadAddress, seed: Place, attempt: Attempt<T>): Promise<T> {
  let place = seed
  for (let left = MOST_REDIRECTS; ; left--) {
    try {
      return await attempt(place)
    } catch (thrown) {
      if (!(thrown instanceof Moved)) throw thrown
      if (left === 0) throw unavailable(address, `it redirects more than ${MOST_REDIRECTS} times`, place)
      place = thrown.place
    }
  }
}

async function firstOf<T> (address: ReadAddress, hosts: readonly RedisHost[], work: (host: RedisHost) => Promise<T>): Promise<T> {
  const failures: unknown[] = []
  for (const host of hosts) {
    try {
      return await work(host)
    } catch (thrown) {
      failures.push(thrown)
    }
  }
  const reasons = new Set(failures.map((thrown) => reasonIn(address, thrown)))
  throw reasons.size === 1 ? failures[0] : unavailable(address, [...reasons].join('; ').slice(0, LONGEST_REASONS))
}

/** Starts at a random one, so that the nodes of a fleet do not all ask the same one first. */
function rotated<T> (hosts: readonly T[]): T[] {
  const first = Math.floor(Math.random() * hosts.length)
  return [...hosts.slice(first), ...hosts.slice(0, first)]
}

function hostFrom (host: unknown, port: unknown): RedisHost | undefined {
  if (typeof host !== 'string' || typeof port !== 'string' || !/^[0-9]{1,5}$/.test(port)) return undefined
  const number = Number(port)
  return (isIPv6(host) || NAME.test(host)) && number > 0 && number < 65536 ? { host, port: number } : undefined
}

/** A local sentinel may name a server of the network, but a sentinel of the network may not name a local service. */
const KINDS: Readonly<Record<AddressKind, readonly AddressKind[]>> = {
  loopback: ['loopback', 'private'], 'link-local': ['link-local'], private: ['private'], public: ['public']
}

/** The kinds of addresses that a server at an address of some kind may lead to. */
export function kindsFrom (kind: AddressKind, isTls: boolean): ReadonlySet<AddressKind> {
  // In clear text, the password would leave the network.
  return new Set([...KINDS[kind], ...(isTls ? ['public' as const] : [])])
}

/** The addresses that a server may lead to; no limit if the list itself names the host. */
function reachOf (address: ReadAddress, from: GuardedRedis, { host }: RedisHost, who: string): { reach?: Reach } {
  if (address.kind === 'cluster' && address.hosts.some((known) => known.host === host)) return {}
  const kind = kindOf(from.remoteAddress)
  return {
    reach: {
      kinds: kindsFrom(kind, address.isTls),
      who: `${who} leads from a ${kind} address`,
      ...(address.kind === 'sentinel' && {
        remedy: 'let the sentinels announce an address that their clients reach, with TLS if it is public'
      })
    }
  }
}
