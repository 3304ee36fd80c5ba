/**
 * The credential sources of an app: those of its endpoints with `acme` or `credentials`. Without such an endpoint nothing is
 * loaded.
 */
import { setTimeout } from 'node:timers/promises'
import type { SecuredEndpoint, UnwrappedEndpoint } from '../description/index.js'
import { errors, isCoded, located, reasonOf } from '../errors.js'
import { AcmeSource } from '../acme/acme-source.js'
import { challengeTypes } from '../acme/challenge-types.js'
import type { CredentialSource, CredentialSourceFactory } from '../../types/credential-source.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import type { EndpointLog } from '../../types/log.js'

export interface CredentialSourcesOptions {
  readonly log: EndpointLog
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  /** The sources of the app, by their words. */
  readonly factories?: Readonly<Record<string, CredentialSourceFactory>> | undefined
}

/** The longest wait for the store, in milliseconds. */
const LONGEST_CLOSE = 5000

export class CredentialSources {
  /** All of them, by endpoint. */
  readonly byEndpoint = new Map<SecuredEndpoint, CredentialSource>()
  readonly #acme = new Map<SecuredEndpoint, AcmeSource>()
  #closed: Promise<void> | undefined

  /**
   * Opens the source of each endpoint that has one. If one fails, all are closed.
   * @throws FST_ENDPOINT_CREDENTIALS_SOURCE, FST_ENDPOINT_ACME_*, what a factory of the app throws
   */
  static async open (endpoints: readonly UnwrappedEndpoint[], options: CredentialSourcesOptions): Promise<CredentialSources> {
    const sources = new CredentialSources()
    try {
      for (const endpoint of endpoints) {
        if (endpoint.type !== 'tls') continue
        if (endpoint.acme !== undefined) await sources.#openAcme(endpoint, endpoints, options)
        if (endpoint.credentials !== undefined) sources.byEndpoint.set(endpoint, await openOwn(endpoint, endpoint.credentials, options))
      }
      return sources
    } catch (thrown) {
      await sources.close()
      throw thrown
    }
  }

  acmeOf (endpoint: SecuredEndpoint): AcmeSource | undefined {
    return this.#acme.get(endpoint)
  }

  /**
   * Closes all sources. Resolves when orders have released the store, so that another process can continue them at once. It waits
   * neither for a folder that hangs nor for a source of the app.
   */
  async close (): Promise<void> {
    this.#closed ??= this.#closeAll()
    await this.#closed
  }

  async #closeAll (): Promise<void> {
    const orders: Array<Promise<void>> = []
    for (const source of new Set(this.byEndpoint.values())) {
      const closed = Promise.resolve().then(() => source.close()).catch(() => {})
      if (source instanceof AcmeSource) orders.push(closed)
    }
    if (orders.length > 0) await Promise.race([Promise.all(orders), setTimeout(LONGEST_CLOSE, undefined, { ref: false })])
  }

  /** Endpoints that ask for the same certificate share it. */
  async #openAcme (endpoint: TlsEndpoint, endpoints: readonly UnwrappedEndpoint[], { log, now }: CredentialSourcesOptions): Promise<void> {
    const settings = endpoint.acme as NonNullable<TlsEndpoint['acme']>
    const same = [...this.#acme].find(([other]) => other.type === 'tls' && isSame(other.acme, settings))
    const { description } = endpoint
    const types = challengeTypes(endpoint, endpoints)
    const source = same?.[1] ?? await AcmeSource.open({ settings, endpoint: description, log, now, types })
    this.#acme.set(endpoint, source)
    this.byEndpoint.set(endpoint, source)
  }
}

function isSame (one: TlsEndpoint['acme'], other: NonNullable<TlsEndpoint['acme']>): boolean {
  return one !== undefined && one.store === other.store && one.directory === other.directory && one.profile === other.profile &&
    [...one.names].sort().join() === [...other.names].sort().join()
}

async function openOwn (
  { description }: TlsEndpoint, word: string, { log, factories = {} }: CredentialSourcesOptions
): Promise<CredentialSource> {
  const location = { endpoint: description, argument: 'credentials' }
  const wrong = (problem: string, cause?: unknown): Error => {
    return located(new errors.FST_ENDPOINT_CREDENTIALS_SOURCE(description, problem), location, cause)
  }
  const factory = Object.hasOwn(factories, word) ? factories[word] : undefined
  if (factory === undefined) throw wrong(`the app has no credential source ${word}. Give it in the option credentials of the plugin`)
  try {
    const source = await factory({ endpoint: description, log })
    const members = source as unknown as Record<string, unknown> | undefined
    const isSource = ['current', 'onChange', 'close'].every((name) => typeof members?.[name] === 'function')
    if (!isSource || typeof source.name !== 'string') {
      throw wrong(`the credential source ${word} is not one. Return an object with name, current, onChange and close`)
    }
    return source
  } catch (thrown) {
    throw isCoded(thrown) ? thrown : wrong(`the credential source ${word} could not be opened: ${reasonOf(thrown)}`, thrown)
  }
}
