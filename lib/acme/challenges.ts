/**
 * The challenges that are outstanding, for the endpoints that answer them. A process that does not order itself reads them
 * from the store, since a validator may come to any node.
 */
import { performance } from 'node:perf_hooks'
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Challenge } from './store.js'

/** Milliseconds between two looks into the store that strangers can cause. */
const REST = 1000

export class OutstandingChallenges {
  #all: readonly Challenge[] = []
  readonly #contexts = new Map<Challenge, SecureContext>()
  readonly #read: () => Promise<readonly Challenge[]>
  #mayReadAt = -Infinity
  #reading: Promise<void> | undefined

  /** @param read gives those in the store; never rejects */
  constructor (read: () => Promise<readonly Challenge[]>) {
    this.#read = read
  }

  /** Whether hellos must be looked at. */
  get awaitsHello (): boolean {
    return this.#all.some(({ type }) => type === 'tls-alpn-01')
  }

  replace (challenges: readonly Challenge[]): void {
    this.#all = challenges
    this.#contexts.clear()
  }

  /**
   * The context that answers tls-alpn-01 (RFC 8737 section 3) for a name; undefined if none is outstanding. It offers no
   * session tickets.
   */
  contextFor (name: string): SecureContext | undefined {
    const challenge = this.#all.find((challenge) => challenge.type === 'tls-alpn-01' && challenge.name === name.toLowerCase())
    if (challenge?.key === undefined || challenge.certificate === undefined) return undefined
    let context = this.#contexts.get(challenge)
    if (context === undefined) {
      const { key, certificate: cert } = challenge
      context = createSecureContext({ key, cert, minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET })
      this.#contexts.set(challenge, context)
    }
    return context
  }

  /** The answer to http-01 (RFC 8555 section 8.3); undefined for a token that is not outstanding. */
  answerTo (token: string): string | undefined {
    return this.#all.find((challenge) => challenge.type === 'http-01' && challenge.token === token)?.keyAuthorization
  }

  /** Whether the store may be looked at now for a challenge that this process does not know. */
  get mayRefresh (): boolean {
    return this.#reading !== undefined || performance.now() >= this.#mayReadAt
  }

  /** Looks into the store, at most once a second, whoever asks. */
  async refresh (): Promise<void> {
    if (this.#reading === undefined) {
      if (!this.mayRefresh) return
      this.#mayReadAt = performance.now() + REST
      this.#reading = this.#read().then((all) => {
        this.#reading = undefined
        this.replace(all)
      })
    }
    await this.#reading
  }
}
