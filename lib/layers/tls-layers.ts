/**
 * The TLS layers of one app, and what they share. Most of the package is behind this file, and it is loaded only if an endpoint
 * speaks TLS.
 */
import type { SecuredEndpoint, UnwrappedEndpoint } from '../description/index.js'
import { SharedWatchers } from '../revocation/shared-watchers.js'
import type { WatcherOptions } from '../revocation/watch.js'
import { CredentialsWatcher } from '../tls/credentials-watcher.js'
import type { CredentialSources, CredentialSourcesOptions } from './credential-sources.js'
import { TlsLayer, type TlsLayerOptions } from './tls-layer.js'

export interface TlsLayersOptions extends Omit<TlsLayerOptions, 'credentials' | 'credentialSources' | 'watchers'>,
  Pick<WatcherOptions, 'limits' | 'removalDelay' | 'clock' | 'sources' | 'measure'> {
  /** All of the app, also those without TLS. */
  readonly endpoints: readonly UnwrappedEndpoint[]
  /** The credential sources of the app, by their words. */
  readonly credentialFactories?: CredentialSourcesOptions['factories']
}

export class TlsLayers {
  readonly #shared: TlsLayerOptions

  private constructor (shared: TlsLayerOptions) {
    this.#shared = shared
  }

  /**
   * Reads the credentials of the endpoints, and starts to watch them. Endpoints that name the same files share them.
   * @throws see loadCredentials
   */
  static async start (endpoints: readonly SecuredEndpoint[], options: TlsLayersOptions): Promise<TlsLayers> {
    const { log, now = Date.now, chainBudget, measure = false, endpoints: all, credentialFactories: factories, ...lists } = options
    const credentialSources = endpoints.some(hasSource) ? await openSources(all, { log, now, factories }) : undefined
    const sources = credentialSources?.byEndpoint
    const starting = CredentialsWatcher.start(endpoints, { log, now, measure, ...(sources !== undefined && { sources }) })
    if (credentialSources !== undefined) starting.catch(() => { credentialSources.close() })
    const credentials = await starting
    const watchers = new SharedWatchers({ ...lists, measure, log, now: () => new Date(now()) })
    return new TlsLayers({ log, now, ...(chainBudget !== undefined && { chainBudget }), watchers, credentials, credentialSources })
  }

  /**
   * Loads the lists of an endpoint.
   * @param endpoint one of those that were given to `start`
   * @throws see TlsLayer.prepare
   */
  async prepare (endpoint: SecuredEndpoint): Promise<TlsLayer> {
    return await TlsLayer.prepare(endpoint, this.#shared)
  }

  /** Stops watching the credentials of all endpoints. */
  close (): void {
    this.#shared.credentials.close()
    this.#shared.credentialSources?.close()
  }
}

/** Whether key and certificate do not come from files. */
function hasSource (endpoint: SecuredEndpoint): boolean {
  return endpoint.type === 'tls' && endpoint.privateKey === undefined
}

/** What few endpoints need is not loaded for the others. */
async function openSources (endpoints: readonly UnwrappedEndpoint[], options: CredentialSourcesOptions): Promise<CredentialSources> {
  const { CredentialSources } = await import('./credential-sources.js')
  return await CredentialSources.open(endpoints, options)
}
