/**
 * A credential source that orders its certificates from a directory and renews them.
 *
 * Once a second it checks the store, because another process may have ordered, and the clock, because somebody may have set it.
 * If an order is due and this process gets the lease, it makes one attempt. After a failure, the current certificate stays in
 * force. The store has the time of the next attempt, so a restart does not retry earlier.
 */
import { createPrivateKey, type X509Certificate } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { errors, isCoded, located, reasonOf } from '../errors.js'
import { PEM_FILE_LIMIT, readSettledFile } from '../files.js'
import { readSourced } from '../tls/sourced-credentials.js'
import { readPemBlocks } from '../x509/pem.js'
import type { CredentialSource, SourcedCredentials } from '../../types/credential-source.js'
import type { AcmeArguments } from '../../types/endpoint.js'
import type { EndpointLog } from '../../types/log.js'
import { OutstandingChallenges } from './challenges.js'
import { demandLibrary, Directory, type DirectoryMeta } from './directory.js'
import { codedFailure, OrderFailure, OrderInterrupted } from './failure.js'
import { Lease } from './lease.js'
import { type ChallengeType, newKey, OrderRun, type OrderTiming } from './order.js'
import { certificateId, issuanceLimit, nextWindow, notBefore, recentlyIssued, renewalTime, waitAfter } from './renewal.js'
import { type Account, AcmeStore, type Challenge, type State } from './store.js'

/** In milliseconds. */
export interface AcmeTiming extends OrderTiming {
  /** Between two checks of the store and the clock. */
  readonly tick: number
  /** The longest call to the directory. */
  readonly call: number
  /** After this time without a renewal, a lease is abandoned. */
  readonly lease: number
  /** The first delay after a failure; undefined for the default. */
  readonly firstWait?: number
}

export const ACME_TIMING: AcmeTiming = { tick: 1000, spread: 2000, poll: 1000, attempt: 15 * 60_000, call: 90_000, lease: 60_000 }

/** Milliseconds by which the clocks of this machine and of the directory may differ. */
const CLOCK_DIFFERENCE = 60 * 60 * 1000

const ACCOUNT_GONE = 'accountDoesNotExist'

export interface AcmeSourceOptions {
  readonly settings: AcmeArguments
  /** The endpoint string. */
  readonly endpoint: string
  readonly log: EndpointLog
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  /** The types that the app can answer, the preferred one first. */
  readonly types: readonly ChallengeType[]
  readonly timing?: AcmeTiming
}

interface AcmeEvents {
  changed: []
  /** An attempt has succeeded or failed. */
  attempted: []
}

export class AcmeSource implements CredentialSource {
  readonly name: string
  readonly events = new EventEmitter<AcmeEvents>()
  readonly challenges: OutstandingChallenges
  readonly #options: AcmeSourceOptions
  readonly #timing: AcmeTiming
  readonly #log: EndpointLog
  readonly #store: AcmeStore
  readonly #lease: Lease
  readonly #ca: string | undefined
  readonly #eab: { kid: string, hmacKey: string } | undefined
  readonly #closing = new AbortController()
  #current: SourcedCredentials | undefined
  /** Whether the current certificate is for other names, and in force only until one for these names is issued. */
  #isSubstitute = false
  #state: State
  /** Since when this process knows it, by a clock that nobody can set. */
  #stateSince = performance.now()
  #problem: Error | undefined
  /** The error while the store cannot be used. It takes precedence over the result of the last attempt. */
  #storeProblem: Error | undefined
  readonly #seen: { certificate?: string | undefined, order?: string | undefined, state?: string | undefined } = {}
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void> | undefined
  #hasBegun = false
  /** When the certificate is due for renewal, in milliseconds since 1970. */
  #dueAt = -Infinity
  /** Open during an attempt. */
  #directory: Directory | undefined

  /**
   * Opens the store, and takes the certificate from it. Sends no request.
   * @throws FST_ENDPOINT_ACME_STORE, FST_ENDPOINT_ACME_MISSING, FST_ENDPOINT_ACME_BINDING, FST_ENDPOINT_FILE_*
   */
  static async open (options: AcmeSourceOptions): Promise<AcmeSource> {
    demandLibrary()
    const { settings, now } = options
    const store = new AcmeStore(settings)
    await store.open()
    const ca = settings.ca === undefined ? undefined : await readAcmeRoots(settings.ca)
    const eab = settings.eab === undefined ? undefined : await readBinding(settings.eab)
    // A damaged account must show at the start.
    await store.readAccount()
    const source = new AcmeSource(options, store, await store.readState(now()), ca, eab)
    await source.#pickUp()
    if (source.#current === undefined) await source.#substitute()
    return source
  }

  private constructor (options: AcmeSourceOptions, store: AcmeStore, state: State, ca?: string, eab?: { kid: string, hmacKey: string }) {
    const { endpoint, log, timing = ACME_TIMING } = options
    this.#options = options
    this.#timing = timing
    const withEndpoint = (details: object): object => ({ endpoint, ...details })
    this.#log = {
      debug: (details, message) => { log.debug(withEndpoint(details), message) },
      info: (details, message) => { log.info(withEndpoint(details), message) },
      warn: (details, message) => { log.warn(withEndpoint(details), message) },
      error: (details, message) => { log.error(withEndpoint(details), message) }
    }
    this.#store = store
    this.#state = state
    this.#ca = ca
    this.#eab = eab
    this.name = store.certificatePath
    this.#lease = new Lease(join(store.directoryFolder, 'lease'), timing.lease)
    const readChallenges = async (): Promise<readonly Challenge[]> => (await store.readOrder())?.challenges ?? []
    this.challenges = new OutstandingChallenges(() => readChallenges().catch(() => undefined))
    if (state.failures > 0 && state.problem !== undefined) this.#problem = this.#failed(state.problem)
  }

  /** The host names of the certificate. */
  get names (): readonly string[] {
    return this.#options.settings.names
  }

  current (): SourcedCredentials | undefined {
    return this.#current
  }

  onChange (listener: () => void): void {
    this.events.on('changed', listener)
  }

  /**
   * Whether a hello may be for a challenge: one is outstanding, or another process may have ordered since the last look at the store.
   * All that share it agree when a certificate is due, but for their clocks. Looking at a hello costs a fifteenth of a handshake.
   */
  get awaitsHello (): boolean {
    return this.challenges.awaitsHello || this.#options.now() > this.#dueAt - 2 * CLOCK_DIFFERENCE
  }

  /** Why the store cannot be used, or why the last attempt failed, until one succeeds. */
  get problems (): readonly Error[] {
    const problem = this.#storeProblem ?? this.#problem
    return problem === undefined ? [] : [problem]
  }

  /** Starts to order. Call it when challenges can be answered. */
  begin (): void {
    if (this.#hasBegun || this.#closing.signal.aborted) return
    this.#hasBegun = true
    this.#schedule(0)
  }

  /**
   * Waits until there is a certificate.
   * @param seconds at most
   * @throws FST_ENDPOINT_ACME_FAILED after that time, FST_ENDPOINT_CLOSED
   */
  async ready (seconds: number): Promise<void> {
    if (this.#current !== undefined) return
    const limit = AbortSignal.timeout(seconds * 1000)
    const either = AbortSignal.any([limit, this.#closing.signal])
    await new Promise<void>((resolve, reject) => {
      // The signal of a time limit keeps no process alive.
      const alive = setInterval(() => {}, 60_000)
      const done = (): void => {
        clearInterval(alive)
        this.events.removeListener('changed', done)
        either.removeEventListener('abort', done)
        if (this.#current !== undefined) resolve()
        else if (limit.aborted) reject(this.problems[0] ?? this.#failed(`there is no certificate after ${seconds} s (acmeWait)`))
        else reject(new errors.FST_ENDPOINT_CLOSED())
      }
      this.events.on('changed', done)
      either.addEventListener('abort', done)
      if (either.aborted) done()
    })
  }

  /** Stops. An order continues at the next start. */
  async close (): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#timer)
    this.#directory?.close()
    await this.#ticking
  }

  #failed (words: string): Error {
    return codedFailure(new OrderFailure(words), this.#options.settings)
  }

  #schedule (wait: number): void {
    if (this.#closing.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#ticking = this.#tick()
        .then(() => { this.#storeProblem = undefined }, (thrown: unknown) => { this.#noteStoreProblem(thrown) })
        .then(() => { this.#schedule(this.#timing.tick) })
    }, wait).unref()
  }

  async #tick (): Promise<void> {
    await this.#pickUp()
    if (!this.#isDue(this.#options.now())) return
    if (!await this.#lease.acquire()) return
    try {
      // Another process may have ordered meanwhile.
      await this.#pickUp()
      if (this.#isDue(this.#options.now())) await this.#attempt()
    } finally {
      await this.#lease.release()
    }
  }

  /** Loads what other processes have changed in the store. */
  async #pickUp (): Promise<void> {
    // One after another: a network folder that hangs must not hold all threads that read files.
    const certificate = await this.#store.look('certificate.pem')
    const order = await this.#store.look('order.json')
    const state = await this.#store.look('state.json')
    // A file counts as seen only once it has been read, so that an unreadable file is tried again.
    if (certificate !== this.#seen.certificate) {
      const isUsed = await this.#takeCertificate()
      this.#seen.certificate = isUsed ? certificate : undefined
    }
    if (state !== this.#seen.state) {
      await this.#takeState()
      this.#seen.state = state
    }
    // A validator may have made this process load the challenges of an order that began and ended between two checks.
    if (order === undefined) this.challenges.replace([])
    if (order !== this.#seen.order) {
      this.challenges.replace((await this.#store.readOrder())?.challenges ?? [])
      this.#seen.order = order
    }
    this.#noteWhenDue()
  }

  #noteWhenDue (): void {
    const certificate = this.#certificate
    this.#dueAt = certificate === undefined ? -Infinity : renewalTime(certificate, this.#state.renewal)
  }

  /** @returns false if the file could not be used and was renamed */
  async #takeCertificate (): Promise<boolean> {
    const file = await this.#store.readCertificate()
    if (file === undefined) return true
    const { settings: { names }, now } = this.#options
    try {
      // An expired certificate is better than none, and the clock may be wrong. Health reports it.
      const origin = { argument: 'acme', file: this.#store.certificatePath, names, now: now() }
      this.#put(readSourced(file.bytes, file.bytes, origin, { areDatesIgnored: true, isTried: true }))
      return true
    } catch (thrown) {
      if (!isCoded(thrown)) throw thrown
      this.#log.error({ err: thrown }, 'certificate in the store cannot be used: it was renamed to .damaged, and a new one will be ordered')
      await this.#store.putAside('certificate.pem')
      return false
    }
  }

  async #takeState (): Promise<void> {
    this.#setState(await this.#store.readState(this.#options.now()))
    const { failures, problem } = this.#state
    if (failures === 0) this.#problem = undefined
    else if (this.#problem === undefined && problem !== undefined) this.#problem = this.#failed(problem)
  }

  /**
   * If a name was added to the string, an earlier certificate serves the other names until the new one is issued. Chooses the
   * earlier certificate that covers most of the names.
   */
  async #substitute (): Promise<void> {
    const { settings: { names }, now } = this.#options
    let most = 0
    for (const path of await this.#store.otherCertificates()) {
      const found = await this.#store.readCertificateAt(path).then((file) => {
        const origin = { argument: 'acme', file: path, names: undefined, now: now() }
        return file === undefined ? undefined : readSourced(file.bytes, file.bytes, origin)
      }).catch(() => undefined)
      const [leaf] = found?.chain ?? []
      const covered = leaf === undefined ? 0 : names.filter((name) => leaf.checkHost(name) !== undefined).length
      if (found === undefined || covered <= most) continue
      most = covered
      this.#current = found
      this.#isSubstitute = true
    }
    if (this.#isSubstitute) {
      const instead = this.#current?.names
      this.#log.warn({ names, instead }, 'certificate for only some of the names is in force until a new one is issued')
    }
  }

  /** The certificate for all of these names; undefined while there is none, or only a substitute. */
  get #certificate (): X509Certificate | undefined {
    return this.#isSubstitute ? undefined : this.#current?.chain[0]
  }

  #put (credentials: SourcedCredentials): void {
    this.#isSubstitute = false

    const isSame = this.#current?.chain[0]?.fingerprint256 === credentials.chain[0]?.fingerprint256
    if (isSame) return
    this.#current = credentials
    this.events.emit('changed')
  }

  /** Whether to order a certificate, or to request renewal information. */
  #isDue (now: number): boolean {
    return this.#isOrderDue(now) || this.#isWindowDue(now)
  }

  #isOrderDue (now: number): boolean {
    const certificate = this.#certificate
    const isNeeded = certificate === undefined || now >= renewalTime(certificate, this.#state.renewal)
    if (!isNeeded || this.#isWaiting(now)) return false
    return now >= issuanceLimit(this.#state, now, this.#life)
  }

  /** Whether a failure is too recent for another attempt. */
  #isWaiting (now: number): boolean {
    return now < notBefore(this.#state, now, performance.now() - this.#stateSince)
  }

  /** In milliseconds; infinite without a certificate. */
  get #life (): number {
    const certificate = this.#certificate
    return certificate === undefined ? Infinity : Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)
  }

  /** Whether to request renewal information. After a failure, this waits as long as an order does. */
  #isWindowDue (now: number): boolean {
    const certificate = this.#certificate
    if (certificate === undefined || this.#isWaiting(now)) return false
    const id = certificateId(certificate)
    const { renewal } = this.#state
    // Somebody may have set the clock back.
    return id !== undefined && (renewal?.certificate !== id || now >= renewal.next || renewal.next > now + 2 * nextWindow(0, Infinity))
  }

  async #attempt (): Promise<void> {
    const { settings, now } = this.#options
    try {
      const account = await this.#store.readAccount() ?? await this.#newAccount()
      const directory = this.#directory = this.#open(account)
      const meta = await directory.meta()
      this.#demandClock(directory)
      if (this.#isWindowDue(now())) await this.#askWindow(directory, meta)
      if (!this.#isOrderDue(now())) return
      const ready = account.url === undefined ? await this.#register(directory, account, meta) : account
      const credentials = await this.#order(directory, ready, meta)
      await this.#succeed(credentials)
      if (this.#isWindowDue(now())) await this.#askWindow(directory, meta)
    } catch (thrown) {
      if (thrown instanceof OrderInterrupted || this.#closing.signal.aborted) return
      if (thrown instanceof OrderFailure && !this.#isOrderDue(now())) await this.#keepWindow(thrown)
      else await this.#fail(thrown, settings)
    } finally {
      this.#directory?.close()
      this.#directory = undefined
      this.events.emit('attempted')
    }
  }

  #open ({ key, url }: Account): Directory {
    const { settings, now } = this.#options
    const setup = { directory: settings.directory, accountKey: key, accountUrl: url, ca: this.#ca, eab: this.#eab }
    return new Directory(setup, { limit: this.#timing.call, now })
  }

  /** Stores the key before the directory gets its public half. */
  async #newAccount (): Promise<Account> {
    const account = { key: newKey() }
    await this.#store.writeAccount(account)
    return account
  }

  async #register (directory: Directory, account: Account, { needsBinding }: DirectoryMeta): Promise<Account> {
    const { settings } = this.#options
    if (needsBinding && this.#eab === undefined) {
      throw new OrderFailure('it requires an external account binding', { type: 'externalAccountRequired' })
    }
    const registered = { key: account.key, url: await directory.account(settings.contact) }
    await this.#store.writeAccount(registered)
    this.#log.info({ directory: settings.directory, account: registered.url }, 'account registered')
    return registered
  }

  /** With a wrong clock, a new certificate would look expired or not yet valid. */
  #demandClock ({ date }: Directory): void {
    const difference = date === undefined ? 0 : this.#options.now() - date
    if (Math.abs(difference) <= CLOCK_DIFFERENCE) return
    const minutes = Math.round(Math.abs(difference) / 60_000)
    const where = difference > 0 ? 'ahead of' : 'behind'
    throw new OrderFailure(`the clock of this machine is ${minutes} minutes ${where} the directory's. Set it`)
  }

  /** Requests the renewal window (RFC 9773). After a failure, requests it again later. */
  async #askWindow (directory: Directory, { renewalInfo }: DirectoryMeta): Promise<void> {
    const { now } = this.#options
    const certificate = certificateId(this.#certificate as X509Certificate) as string
    let window = {}
    try {
      if (renewalInfo !== undefined) window = await directory.renewalWindow(renewalInfo, certificate)
    } catch (thrown) {
      return await this.#keepWindow(thrown, directory.retryAfter)
    }
    await this.#writeState({ ...this.#state, renewal: { ...window, certificate, next: nextWindow(now(), directory.retryAfter) } })
  }

  /** While no order is due, a directory that is down is no failure. */
  async #keepWindow (thrown: unknown, retryAfter?: number): Promise<void> {
    this.#log.warn({ err: thrown }, 'renewal information could not be read: it will be requested again')
    const { renewal } = this.#state
    const certificate = certificateId(this.#certificate as X509Certificate) as string
    const window = renewal?.certificate === certificate ? renewal : {}
    await this.#writeState({ ...this.#state, renewal: { ...window, certificate, next: nextWindow(this.#options.now(), retryAfter) } })
  }

  async #order (directory: Directory, account: Account, meta: DirectoryMeta): Promise<SourcedCredentials> {
    const certificate = this.#certificate
    await this.#dropFinishedOrder()
    const run = new OrderRun({
      settings: this.#options.settings,
      directory,
      store: this.#store,
      challenges: this.challenges,
      types: this.#typesToTry(),
      timing: this.#timing,
      log: this.#log,
      now: this.#options.now,
      replaces: meta.renewalInfo === undefined || certificate === undefined ? undefined : certificateId(certificate),
      wait: (milliseconds) => this.#wait(milliseconds),
      demandLease: async () => { if (!await this.#lease.isOwned()) throw new OrderInterrupted() }
    })
    try {
      return await run.run()
    } catch (thrown) {
      // The directory has lost the account, as Pebble does at each start. The next attempt registers the same key again.
      if (thrown instanceof OrderFailure && thrown.type === ACCOUNT_GONE) {
        await this.#store.writeAccount({ key: account.key })
        await this.#store.removeOrder()
      }
      throw thrown
    }
  }

  /** A process that ended right after it had stored a certificate leaves the order of that certificate behind. */
  async #dropFinishedOrder (): Promise<void> {
    const order = await this.#store.readOrder()
    const certificate = this.#certificate
    if (order !== undefined && certificate !== undefined && isKeyOf(certificate, order.key)) await this.#store.removeOrder()
  }

  /** If a challenge failed, the other type comes first. */
  #typesToTry (): readonly ChallengeType[] {
    const { types } = this.#options
    const { failedChallenge } = this.#state
    return [...types].sort((a, b) => Number(a === failedChallenge) - Number(b === failedChallenge))
  }

  async #succeed (credentials: SourcedCredentials): Promise<void> {
    const { settings, now } = this.#options
    const { notAfter } = credentials
    this.#problem = undefined
    this.#put(credentials)
    const renewal = new Date(renewalTime(credentials.chain[0] as X509Certificate, undefined))
    this.#log.info({ names: settings.names, notAfter: notAfter.toISOString(), renewal: renewal.toISOString() }, 'certificate issued')
    await this.#writeState({ failures: 0, issued: recentlyIssued(this.#state.issued, now()) })
    await this.#store.removeOrder()
    this.challenges.replace([])
  }

  async #fail (thrown: unknown, settings: AcmeArguments): Promise<void> {
    const { now } = this.#options
    const failure = thrown instanceof OrderFailure ? thrown : undefined
    const failures = this.#state.failures + 1
    const isValidation = failure?.challenge !== undefined
    const wait = waitAfter(failures, { isValidation, retryAfter: failure?.retryAfter }, this.#timing.firstWait)
    const err = codedFailure(thrown, settings)
    this.#problem = err
    // A certificate that cannot be used also counts against the rate limit of the directory.
    const issued = failure?.isIssued === true ? recentlyIssued(this.#state.issued, now()) : this.#state.issued
    const next = new Date(Math.max(now() + wait, issuanceLimit({ ...this.#state, issued }, now(), this.#life))).toISOString()
    this.#log.error({ err, names: settings.names, failures, next }, this.#current === undefined
      ? 'certificate could not be ordered: handshakes are rejected until there is one'
      : 'certificate could not be renewed: the previous one stays in force')
    const { failedChallenge: _, ...state } = this.#state
    await this.#writeState({
      ...state,
      issued,
      failures,
      failedAt: now(),
      wait,
      problem: failure?.message ?? reasonOf(thrown),
      ...(isValidation && { failedChallenge: failure.challenge })
    })
  }

  /** If the state cannot be stored, this process still keeps it. */
  async #writeState (state: State): Promise<void> {
    this.#setState(state)
    await this.#store.writeState(state)
    this.#noteWhenDue()
    // No file has this metadata, so the next check reads the file again, or notices that somebody has removed it.
    this.#seen.state = 'written'
  }

  #setState (state: State): void {
    this.#state = state
    this.#stateSince = performance.now()
  }

  /** Keeps the error until the store can be used again, and logs it once. */
  #noteStoreProblem (thrown: unknown): void {
    if (this.#closing.signal.aborted) return
    const err = isCoded(thrown) ? thrown : this.#store.problem(this.#store.folder, reasonOf(thrown), thrown)
    if (this.#storeProblem?.message !== err.message) this.#log.error({ err }, 'certificate could not be ordered: the store cannot be used')
    this.#storeProblem = err
  }

  async #wait (milliseconds: number): Promise<void> {
    const { signal } = this.#closing
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, milliseconds).unref()
      signal.addEventListener('abort', done)
      if (signal.aborted) done()
    })
    if (signal.aborted) throw new OrderInterrupted()
  }
}

/** @throws FST_ENDPOINT_FILE_*, FST_ENDPOINT_FILE_INVALID */
export async function readAcmeRoots (file: string): Promise<string> {
  const location = { argument: 'acmeCa', file }
  const what = `acmeCa "${file}"`
  const { bytes } = await readSettledFile(resolve(file), { what, limit: PEM_FILE_LIMIT, location, empty: 'refuse' })
  const roots = readPemBlocks(bytes, what, location).filter(({ label }) => label === 'CERTIFICATE')
  if (roots.length === 0) {
    throw located(new errors.FST_ENDPOINT_FILE_INVALID(what, 'it contains no certificate. Put the root of the directory into it'), location)
  }
  return roots.map(({ text }) => text).join('\n')
}

function isKeyOf (certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

/**
 * Reads an external account binding: the key identifier and the HMAC key (base64url), on two lines.
 * @throws FST_ENDPOINT_ACME_BINDING, FST_ENDPOINT_FILE_*
 */
export async function readBinding (file: string): Promise<{ kid: string, hmacKey: string }> {
  const location = { argument: 'acmeEab', file }
  const { bytes } = await readSettledFile(resolve(file), { what: `acmeEab "${file}"`, limit: 16_384, location })
  const [kid, hmacKey, ...others] = bytes.toString('utf8').split(/\s+/).filter((word) => word !== '')
  // A message must not contain any of the content.
  if (kid === undefined || hmacKey === undefined || others.length > 0 || !/^[\w-]{16,}=*$/.test(hmacKey)) {
    throw located(new errors.FST_ENDPOINT_ACME_BINDING(file), location)
  }
  return { kid, hmacKey: Buffer.from(hmacKey, 'base64url').toString('base64') }
}
