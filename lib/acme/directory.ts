/**
 * A client of a directory (RFC 8555 section 7.1.1). acme-client runs in a worker thread. Each call has a time limit, and each
 * answer is checked before use.
 *
 * The worker starts with the first call and ends with `close`. It keeps no process alive.
 */
import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { errors, reasonOf } from '../errors.js'
import type { AnswerMessage, Answered, CallName, DirectoryCalls, DirectorySetup } from './directory-calls.js'
import { OrderFailure } from './failure.js'
import { retryAfterOf } from './renewal.js'

/** @throws FST_ENDPOINT_ACME_MISSING if acme-client is not installed, or the worker is missing */
export function demandLibrary (): void {
  try {
    programBeside(import.meta.url)
    import.meta.resolve('acme-client')
  } catch (thrown) {
    throw new errors.FST_ENDPOINT_ACME_MISSING((thrown as NodeJS.ErrnoException).code ?? reasonOf(thrown))
  }
}

/** An order whose members were checked. */
export interface Order {
  readonly url: string
  readonly status: string
  readonly finalize: string
  readonly authorizations: readonly string[]
  readonly certificate: string | undefined
  /** The words of the error that made it invalid. */
  readonly problem: string | undefined
}

export interface OfferedChallenge {
  readonly type: string
  readonly url: string
  readonly token: string
  readonly status: string
  readonly problem: { readonly words: string, readonly type: string | undefined } | undefined
}

export interface AuthorizationState {
  readonly url: string
  readonly name: string
  readonly status: string
  readonly challenges: readonly OfferedChallenge[]
}

export interface DirectoryMeta {
  readonly terms: string | undefined
  /** The URL of renewal information (RFC 9773 section 4). */
  readonly renewalInfo: string | undefined
  readonly profiles: readonly string[]
  readonly needsBinding: boolean
}

interface Pending {
  resolve (answer: AnswerMessage): void
  reject (thrown: Error): void
}

export class Directory {
  readonly #setup: DirectorySetup
  readonly #limit: number
  readonly #now: () => number
  #worker: Worker | undefined
  readonly #pending = new Map<number, Pending>()
  #nextId = 0
  #isClosed = false
  /** Milliseconds that the last answer asked to wait; undefined if it did not. */
  retryAfter: number | undefined
  /** The directory's clock at its last answer, in milliseconds since 1970. */
  date: number | undefined

  /** @param limit milliseconds for each call */
  constructor (setup: DirectorySetup, { limit, now }: { limit: number, now: () => number }) {
    this.#setup = setup
    this.#limit = limit
    this.#now = now
  }

  async meta (): Promise<DirectoryMeta> {
    const answer = recordOf(await this.#call('directory'), 'the directory')
    for (const name of ['newNonce', 'newAccount', 'newOrder']) urlOf(answer[name], `${name} of the directory`)
    const meta = typeof answer['meta'] === 'object' && answer['meta'] !== null ? answer['meta'] as Answered : {}
    return {
      terms: optionalText(meta['termsOfService']),
      renewalInfo: answer['renewalInfo'] === undefined ? undefined : urlOf(answer['renewalInfo'], 'renewalInfo of the directory'),
      profiles: Object.keys(typeof meta['profiles'] === 'object' && meta['profiles'] !== null ? meta['profiles'] : {}),
      needsBinding: meta['externalAccountRequired'] === true
    }
  }

  /** Registers the account, or finds it. @returns its URL */
  async account (contact: readonly string[]): Promise<string> {
    return urlOf(await this.#call('account', contact), 'the URL of the account')
  }

  async newOrder (names: readonly string[], profile?: string, replaces?: string): Promise<Order> {
    return orderOf(await this.#call('newOrder', names, profile, replaces))
  }

  async order (url: string): Promise<Order> {
    return orderOf(await this.#call('order', url))
  }

  /**
   * One after another: acme-client asks for a nonce each time, and Let's Encrypt gives ten at once and twenty a second. The longest
   * Retry-After of the answers counts.
   */
  async authorizations (urls: readonly string[]): Promise<AuthorizationState[]> {
    const states: AuthorizationState[] = []
    let longest: number | undefined
    for (const url of urls) {
      states.push(authorizationOf(await this.#call('authorization', url)))
      if (this.retryAfter !== undefined) longest = Math.max(longest ?? 0, this.retryAfter)
    }
    this.retryAfter = longest
    return states
  }

  async keyAuthorization (token: string): Promise<string> {
    return await this.#call('keyAuthorization', token)
  }

  async alpnCertificate (name: string, keyAuthorization: string, key: string): Promise<string> {
    return await this.#call('alpnCertificate', name, keyAuthorization, key)
  }

  async answer (url: string): Promise<void> {
    await this.#call('answer', url)
  }

  async finalize (order: { url: string, finalize: string }, names: readonly string[], key: string): Promise<Order> {
    return orderOf(await this.#call('finalize', order, names, key))
  }

  async certificate (url: string): Promise<string> {
    return textOf(await this.#call('certificate', url), 'the certificate')
  }

  /** The suggested window in milliseconds since 1970. */
  async renewalWindow (base: string, certificate: string): Promise<{ start: number, end: number }> {
    const answer = recordOf(await this.#call('renewalInfo', `${base.replace(/\/$/, '')}/${certificate}`), 'the renewal information')
    const { start, end } = recordOf(answer['suggestedWindow'], 'suggestedWindow')
    const window = { start: Date.parse(textOf(start, 'start')), end: Date.parse(textOf(end, 'end')) }
    // RFC 9773 section 4.2.
    if (!(window.end > window.start)) throw garbage('suggestedWindow')
    return window
  }

  close (): void {
    this.#isClosed = true
    this.#end(new OrderFailure('the app is closing'))
  }

  async #call<N extends CallName> (name: N, ...args: DirectoryCalls[N][0]): Promise<DirectoryCalls[N][1]> {
    const answer = await this.#send(name, args)
    this.retryAfter = retryAfterOf(answer.retryAfter, this.#now())
    const date = Date.parse(answer.date ?? '')
    if (Number.isFinite(date)) this.date = date
    const { failure } = answer
    if (failure === undefined) return answer.result as DirectoryCalls[N][1]
    throw new OrderFailure(String(failure.message), { status: failure.status, type: failure.type, retryAfter: this.retryAfter })
  }

  #send (name: CallName, args: readonly unknown[]): Promise<AnswerMessage> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new OrderFailure('the app is closing'))
      const id = this.#nextId++
      const timer = setTimeout(() => {
        this.#end(new OrderFailure(`it did not answer within ${this.#limit / 1000} s`))
      }, this.#limit).unref()
      const settle = <T> (then: (value: T) => void) => (value: T): void => {
        clearTimeout(timer)
        this.#pending.delete(id)
        then(value)
      }
      this.#pending.set(id, { resolve: settle(resolve), reject: settle(reject) })
      try {
        this.#worker ??= this.#start()
        this.#worker.postMessage({ id, name, args })
      } catch (thrown) {
        this.#end(new OrderFailure(`no worker thread can be started (${reasonOf(thrown)})`))
      }
    })
  }

  #start (): Worker {
    const worker = new Worker(programBeside(import.meta.url), { workerData: this.#setup, ...flags() })
    worker.unref()
    const end = (words: string): void => {
      if (this.#worker === worker) this.#end(new OrderFailure(words))
    }
    worker.on('message', (answer: AnswerMessage) => { this.#pending.get(answer.id)?.resolve(answer) })
    worker.on('error', (thrown) => { end(`acme-client failed (${reasonOf(thrown)})`) })
    worker.on('messageerror', () => { end('its answer cannot be read') })
    worker.on('exit', () => { end('its worker thread has ended') })
    return worker
  }

  #end (failure: Error): void {
    const worker = this.#worker
    this.#worker = undefined
    worker?.terminate().catch(() => {})
    for (const { reject } of [...this.#pending.values()]) reject(failure)
  }
}

function orderOf (answer: unknown): Order {
  const order = recordOf(answer, 'the order')
  const { authorizations, certificate, error } = order
  if (!Array.isArray(authorizations) || authorizations.length > MOST_AUTHORIZATIONS) throw garbage('the list of authorizations')
  return {
    url: urlOf(order['url'], 'the URL of the order'),
    // The log shows it, so its length is limited.
    status: textOf(order['status'], 'the status of the order').slice(0, 40),
    finalize: urlOf(order['finalize'], 'finalize of the order'),
    authorizations: authorizations.map((url) => urlOf(url, 'the URL of an authorization')),
    certificate: certificate === undefined ? undefined : urlOf(certificate, 'the URL of the certificate'),
    problem: problemOf(error)?.words
  }
}

/** The most names that an order may have. */
const MOST_AUTHORIZATIONS = 100
const MOST_CHALLENGES = 20

function authorizationOf (answer: unknown): AuthorizationState {
  const authorization = recordOf(answer, 'an authorization')
  const { challenges } = authorization
  if (!Array.isArray(challenges) || challenges.length > MOST_CHALLENGES) throw garbage('the list of challenges')
  return {
    url: urlOf(authorization['url'], 'the URL of an authorization'),
    name: textOf(recordOf(authorization['identifier'], 'an identifier')['value'], 'an identifier').toLowerCase(),
    status: textOf(authorization['status'], 'the status of an authorization'),
    challenges: challenges.map((answer) => {
      const challenge = recordOf(answer, 'a challenge')
      return {
        type: textOf(challenge['type'], 'the type of a challenge'),
        url: urlOf(challenge['url'], 'the URL of a challenge'),
        // Challenges of other types may have no token.
        token: TOKEN.test(String(challenge['token'])) ? String(challenge['token']) : '',
        status: textOf(challenge['status'], 'the status of a challenge'),
        problem: problemOf(challenge['error'])
      }
    })
  }
}

/** RFC 8555 section 8.3: base64url. */
const TOKEN = /^[\w-]{1,256}$/

function problemOf (error: unknown): OfferedChallenge['problem'] {
  if (typeof error !== 'object' || error === null) return undefined
  const { detail, type } = error as Answered
  return { words: optionalText(detail) ?? 'it gave no reason', type: optionalText(type)?.replace('urn:ietf:params:acme:error:', '') }
}

function recordOf (value: unknown, what: string): Answered {
  if (typeof value !== 'object' || value === null) throw garbage(what)
  return value as Answered
}

function textOf (value: unknown, what: string): string {
  if (typeof value !== 'string') throw garbage(what)
  return value
}

function optionalText (value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function urlOf (value: unknown, what: string): string {
  if (typeof value === 'string' && value.length < 2048 && URL.canParse(value) && new URL(value).protocol === 'https:') return value
  throw garbage(what)
}

function garbage (what: string): OrderFailure {
  return new OrderFailure(`its answer violates RFC 8555: ${what} is missing or malformed`)
}

/** The program is beside this module, under a name that no app would give to its own file. See `programBeside` of the reader thread. */
function programBeside (place: string | undefined): URL {
  const url = place !== undefined && URL.canParse(place) ? new URL(place) : undefined
  const [extension] = /\.\w+$/.exec(url?.pathname ?? '') ?? []
  const program = extension === undefined ? undefined : new URL(`fastify-endpoint-acme${extension}`, url)
  if (program?.protocol === 'file:' && existsSync(program)) return program
  throw new Error('its program is missing, as in a bundle: mark fastify-endpoint as external')
}

/** If the program came from the command line (`--input-type`), the worker must not inherit its flags. */
function flags (): { execArgv?: string[] } {
  if (!process.execArgv.some((flag) => flag.startsWith('--input-type'))) return {}
  return { execArgv: process.execArgv.filter((flag) => flag.startsWith('--import=') || flag.startsWith('--require=')) }
}
