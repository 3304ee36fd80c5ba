/**
 * The outstanding challenges, for the endpoints that answer them. A process that does not order reads them from the store,
 * because a validator may connect to any node.
 */
import { performance } from 'node:perf_hooks'
import { constants } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Challenge } from './store.js'

/** Milliseconds between two readings of the store that a client can cause. */
const REST = 1000
/** Milliseconds that a client waits for such a look: a folder in a network may never answer. */
const LONGEST_READ = 2000

export class OutstandingChallenges {
  #all: readonly Challenge[] = []
  readonly #contexts = new Map<Challenge, SecureContext>()
  readonly #read: () => Promise<readonly Challenge[] | undefined>
  readonly #longestRead: number
  #mayReadAt = -Infinity
  #reading: Promise<void> | undefined
  /** The next look, until it begins. */
  #next: Promise<void> | undefined

  /** @param read gives those in the store, undefined if it cannot be read; never rejects */
  constructor (read: () => Promise<readonly Challenge[] | undefined>, longestRead = LONGEST_READ) {
    this.#read = read
    this.#longestRead = longestRead
  }

  /** Whether a challenge of tls-alpn-01 is outstanding. */
  get awaitsHello (): boolean {
    return this.#all.some(({ type }) => type === 'tls-alpn-01')
  }

  replace (challenges: readonly Challenge[]): void {
    if (challenges.length === 0 && this.#all.length === 0) return
    this.#all = challenges
    this.#contexts.clear()
  }

  /**
   * The context that answers tls-alpn-01 (RFC 8737 section 3) for a name; undefined if none is outstanding, or if what the
   * store has for it cannot be used. It offers no session tickets.
   */
  contextFor (name: string): SecureContext | undefined {
    const challenge = this.#all.find((challenge) => challenge.type === 'tls-alpn-01' && challenge.name === name.toLowerCase())
    if (challenge?.key === undefined || challenge.certificate === undefined) return undefined
    let context = this.#contexts.get(challenge)
    if (context === undefined) {
      const { key, certificate: cert } = challenge
      try {
        context = createSecureContext({ key, cert, minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET })
      } catch {
        return undefined
      }
      this.#contexts.set(challenge, context)
    }
    return context
  }

  /** The answer to http-01 (RFC 8555 section 8.3); undefined for a token that is not outstanding. */
  answerTo (token: string): string | undefined {
    return this.#all.find((challenge) => challenge.type === 'http-01' && challenge.token === token)?.keyAuthorization
  }

  /** Whether a look into the store is under way, or may begin at once. */
  get mayRefresh (): boolean {
    return this.#next !== undefined || this.#reading !== undefined || performance.now() >= this.#mayReadAt
  }

  /**
   * Looks into the store for a challenge that this process does not know, at most once a second, whoever asks. The look begins after
   * the call, so it sees what was stored before. All that ask meanwhile wait for the same one.
   */
  async refresh (): Promise<void> {
    const rest = Math.max(this.#mayReadAt - performance.now(), 0)
    const isFree = this.#reading === undefined && this.#next === undefined && rest === 0
    if (!isFree) this.#next ??= this.#lookAfter(rest)
    await Promise.race([isFree ? this.#look() : this.#next, setTimeout(rest + this.#longestRead, undefined, { ref: false })])
  }

  async #lookAfter (rest: number): Promise<void> {
    // A folder that does not answer gets no second question.
    await this.#reading
    await setTimeout(rest, undefined, { ref: false })
    this.#next = undefined
    await this.#look()
  }

  #look (): Promise<void> {
    this.#mayReadAt = performance.now() + REST
    const before = this.#all
    this.#reading = this.#read().then((all) => {
      this.#reading = undefined
      // What was read may be older than what this process has stored meanwhile.
      if (all !== undefined && this.#all === before) this.replace(all)
    })
    return this.#reading
  }
}
