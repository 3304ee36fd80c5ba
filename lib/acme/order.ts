/**
 * One order, from the request to the certificate (RFC 8555 section 7.1.6). The next step depends only on the status of the order at
 * the directory and on the store. So an order continues after a restart in any phase.
 *
 *     pending      authorizations: store the challenges, wait until other nodes have seen them, answer, poll
 *     ready        finalize with the key that was stored before
 *     processing   poll
 *     valid        fetch the chain, check it, store it
 *     invalid      give it up
 */
import { generateKeyPairSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { isCoded } from '../errors.js'
import { readSourced } from '../tls/sourced-credentials.js'
import type { SourcedCredentials } from '../../types/credential-source.js'
import type { AcmeArguments } from '../../types/endpoint.js'
import type { EndpointLog } from '../../types/log.js'
import type { OutstandingChallenges } from './challenges.js'
import type { AuthorizationState, Directory, OfferedChallenge, Order } from './directory.js'
import { OrderFailure, OrderInterrupted } from './failure.js'
import type { AcmeStore, Challenge, OpenOrder } from './store.js'

export type ChallengeType = Challenge['type']

/** How long things may take, in milliseconds. */
export interface OrderTiming {
  /** The delay between storing the challenges and answering them, so that other nodes can read them. */
  readonly spread: number
  /** The interval between two polls of an order, if the directory sends no Retry-After. */
  readonly poll: number
  /** The longest attempt. */
  readonly attempt: number
}

export interface OrderContext {
  readonly settings: AcmeArguments
  readonly directory: Directory
  readonly store: AcmeStore
  readonly challenges: OutstandingChallenges
  /** The types that the app can answer, the preferred one first. */
  readonly types: readonly ChallengeType[]
  readonly timing: OrderTiming
  readonly log: EndpointLog
  readonly now: () => number
  /** The certificate that is renewed, by its identifier of RFC 9773, if the directory has renewal information. */
  readonly replaces: string | undefined
  /** @throws OrderInterrupted when the app closes */
  wait (milliseconds: number): Promise<void>
  /** @throws OrderInterrupted if another process has taken over */
  demandLease (): Promise<void>
}

export class OrderRun {
  readonly #context: OrderContext
  #until = Infinity

  constructor (context: OrderContext) {
    this.#context = context
  }

  /**
   * Continues the order in the store, or creates one, until the certificate is issued and stored.
   * @throws OrderFailure, OrderInterrupted, FST_ENDPOINT_ACME_STORE
   */
  async run (): Promise<SourcedCredentials> {
    const { store, timing } = this.#context
    this.#until = performance.now() + timing.attempt
    let open = await this.#continue() ?? await this.#begin()
    try {
      while (open.order.status !== 'valid') open = await this.#step(open)
      return await this.#collect(open)
    } catch (thrown) {
      // With the same order, the next attempt would fail in the same way. After other failures, the challenges stay outstanding.
      if (thrown instanceof OrderFailure && thrown.isFinal) {
        await store.removeOrder()
        this.#context.challenges.replace([])
      }
      throw thrown
    }
  }

  /** The order in the store; undefined if there is none, or if it can no longer succeed. */
  async #continue (): Promise<Open | undefined> {
    const { store, directory, log, settings } = this.#context
    const stored = await store.readOrder()
    if (stored === undefined) return undefined
    try {
      const order = await directory.order(stored.url)
      if (order.status !== 'invalid') {
        log.info({ names: settings.names, status: order.status }, 'certificate order continued')
        return { order, stored }
      }
    } catch (thrown) {
      // The directory may have deleted the order: Let's Encrypt does so after a week.
      if (!(thrown instanceof OrderFailure) || !thrown.isFinal) throw thrown
    }
    await store.removeOrder()
    return undefined
  }

  async #begin (): Promise<Open> {
    const { store, log, settings } = this.#context
    // If orders could not be stored, each attempt would create another one.
    await store.probe()
    await this.#context.demandLease()
    const order = await this.#newOrder()
    // If this process was suspended, another one may have ordered meanwhile. Its order stays.
    if (await store.readOrder() !== undefined) throw new OrderInterrupted()
    const stored: OpenOrder = { url: order.url, finalize: order.finalize, key: newKey(), challenges: [] }
    await store.writeOrder(stored)
    log.info({ names: settings.names, directory: settings.directory }, 'certificate ordered')
    return { order, stored }
  }

  async #newOrder (): Promise<Order> {
    const { directory, replaces, settings: { names, profile } } = this.#context
    try {
      return await directory.newOrder(names, profile, replaces)
    } catch (thrown) {
      // RFC 9773 section 5: the directory rejects `replaces` for a certificate that it does not know, or that was already replaced.
      if (replaces === undefined || !(thrown instanceof OrderFailure) || !thrown.isFinal) throw thrown
      return await directory.newOrder(names, profile)
    }
  }

  async #step ({ order, stored }: Open): Promise<Open> {
    const { settings: { names } } = this.#context
    await this.#context.demandLease()
    switch (order.status) {
      case 'pending': {
        const kept = await this.#authorize(order, stored)
        return { order: await this.#look(order), stored: kept }
      }
      case 'ready': return { order: await this.#finalize(order, names, stored.key), stored }
      case 'processing': return { order: await this.#look(order), stored }
      case 'invalid': throw new OrderFailure(order.problem ?? 'the order became invalid', { status: 403 })
      default: throw new OrderFailure(`the order has the unknown status ${order.status}`, { status: 400 })
    }
  }

  /** Some directories show an order as ready shortly before it can be finalized, or shortly after it was. */
  async #finalize (order: Order, names: readonly string[], key: string): Promise<Order> {
    try {
      return await this.#context.directory.finalize(order, names, key)
    } catch (thrown) {
      if (!(thrown instanceof OrderFailure) || thrown.type !== 'orderNotReady') throw thrown
      return await this.#look(order)
    }
  }

  /** Waits as long as the directory demands, then requests the order. */
  async #look ({ url }: Pick<Order, 'url'>): Promise<Order> {
    await this.#pause()
    return await this.#context.directory.order(url)
  }

  /** If the directory asks for a pause longer than the rest of this attempt, the order continues in the next attempt. */
  async #pause (): Promise<void> {
    const { directory: { retryAfter = 0 }, timing } = this.#context
    const wait = Math.max(retryAfter, timing.poll)
    if (performance.now() + wait > this.#until) {
      const seconds = Math.ceil(wait / 1000)
      throw new OrderFailure(`the order is not finished, and the directory asks for a pause of ${seconds} s`, { retryAfter })
    }
    await this.#context.wait(wait)
  }

  /** Proves control of the names for which the directory has no valid authorization. */
  async #authorize ({ authorizations: urls }: Order, stored: OpenOrder): Promise<OpenOrder> {
    const { directory, store, challenges, timing, log, settings } = this.#context
    const pending = (await directory.authorizations(urls)).filter((authorization) => isOpen(authorization))
    if (pending.length === 0) return stored
    const stray = pending.find(({ name }) => !settings.names.includes(name))
    if (stray !== undefined) throw new OrderFailure(`it demands validation of ${stray.name}, which was not ordered`, { status: 400 })
    const chosen = pending.map((authorization) => ({ authorization, offered: this.#choose(authorization) }))
    const outstanding: Challenge[] = []
    for (const { authorization, offered } of chosen) outstanding.push(await this.#prepare(authorization, offered, stored))
    const kept = { ...stored, challenges: outstanding }
    await store.writeOrder(kept)
    challenges.replace(outstanding)
    log.info({ names: settings.names, challenges: [...new Set(outstanding.map(({ type }) => type))] }, 'challenges are outstanding')
    await this.#context.wait(timing.spread)
    await this.#context.demandLease()
    for (const { offered } of chosen) if (offered.status === 'pending') await directory.answer(offered.url)
    await this.#awaitAll(pending.map(({ url }) => url))
    const done = { ...stored, challenges: [] }
    await store.writeOrder(done)
    challenges.replace([])
    return done
  }

  #choose ({ name, challenges }: AuthorizationState): OfferedChallenge {
    const usable = challenges.filter(({ token }) => token !== '')
    // First the type that was answered before a restart.
    const order = [...this.#context.types].sort((a, b) => Number(isBegun(usable, b)) - Number(isBegun(usable, a)))
    for (const type of order) {
      const offered = usable.find((challenge) => challenge.type === type)
      if (offered !== undefined) return offered
    }
    const offers = challenges.map(({ type }) => type).join(', ')
    const words = `for ${name} it offers only the challenges ${offers}, but the app can answer only ${order.join(', ')}`
    throw new OrderFailure(words, { status: 400 })
  }

  /** Prefers the challenge in the store, because the directory may already be validating it. */
  async #prepare ({ name }: AuthorizationState, { type, token }: OfferedChallenge, { challenges }: OpenOrder): Promise<Challenge> {
    const before = challenges.find((challenge) => challenge.type === type && challenge.token === token && challenge.name === name)
    if (before !== undefined) return before
    const { directory } = this.#context
    const keyAuthorization = await directory.keyAuthorization(token)
    if (type !== 'tls-alpn-01') return { type: 'http-01', name, token, keyAuthorization }
    const key = newKey()
    return { type, name, token, keyAuthorization, key, certificate: await directory.alpnCertificate(name, keyAuthorization, key) }
  }

  /** Waits until all are final, even if one has failed, because validators may still connect for the others. */
  async #awaitAll (urls: readonly string[]): Promise<void> {
    const { directory } = this.#context
    const final: AuthorizationState[] = []
    let open = urls
    while (true) {
      await this.#pause()
      const states = await directory.authorizations(open)
      final.push(...states.filter((state) => !isOpen(state, true)))
      open = open.filter((_, index) => isOpen(states[index] as AuthorizationState, true))
      if (open.length === 0) {
        const failed = final.find(({ status }) => status !== 'valid')
        if (failed === undefined) return
        const challenge = failed.challenges.find(({ status }) => status === 'invalid')
        const { words = `the authorization is ${failed.status}`, type } = challenge?.problem ?? {}
        throw new OrderFailure(`${failed.name}: ${words}`, { type, status: 403, challenge: challenge?.type ?? 'unknown' })
      }
      await this.#context.demandLease()
    }
  }

  /** Fetches the certificate, and stores it if it can be used. */
  async #collect ({ order, stored }: Open): Promise<SourcedCredentials> {
    const { directory, store, settings: { names }, now } = this.#context
    if (order.certificate === undefined) throw new OrderFailure('the order is valid but has no certificate URL', { status: 400 })
    const chain = await directory.certificate(order.certificate)
    let credentials: SourcedCredentials
    try {
      // By the clock of the directory: one that is not valid yet by a clock that is slow would be ordered again and again.
      const origin = { argument: 'acme', file: order.certificate, names, now: directory.date ?? now() }
      credentials = readSourced(Buffer.from(stored.key), Buffer.from(chain), origin, { isTried: true })
    } catch (thrown) {
      if (!isCoded(thrown)) throw thrown
      const words = `it issued a certificate that cannot be used: ${thrown.message}`
      throw new OrderFailure(words, { status: 400, cause: thrown, isIssued: true })
    }
    await this.#context.demandLease()
    await store.writeCertificate(stored.key, chain)
    return credentials
  }
}

interface Open {
  readonly order: Order
  readonly stored: OpenOrder
}

/**
 * Whether an authorization is still pending.
 * @param isAnswered whether we have answered its challenge; if not, an invalid authorization is an error at once
 */
function isOpen ({ status, name, challenges }: AuthorizationState, isAnswered = false): boolean {
  if (status === 'pending') return true
  if (status === 'valid' || isAnswered) return false
  const { words = `the authorization is ${status}`, type } = challenges.find(({ problem }) => problem !== undefined)?.problem ?? {}
  throw new OrderFailure(`${name}: ${words}`, { status: 403, challenge: 'unknown', type })
}

function isBegun (challenges: readonly OfferedChallenge[], type: ChallengeType): boolean {
  return challenges.some((challenge) => challenge.type === type && challenge.status === 'processing')
}

/** ECDSA P-256, which all clients accept. */
export function newKey (): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}
