/**
 * The TLS layers of one app, and what they share. Most of the package is behind this file, and it is loaded only if an endpoint
 * speaks TLS.
 */
import type { SecuredEndpoint } from '../description/index.js'
import { SharedWatchers } from '../revocation/shared-watchers.js'
import type { WatcherOptions } from '../revocation/watch.js'
import { CredentialsWatcher } from '../tls/credentials-watcher.js'
import { TlsLayer, type TlsLayerOptions } from './tls-layer.js'

export interface TlsLayersOptions extends Omit<TlsLayerOptions, 'credentials' | 'watchers'>,
  Pick<WatcherOptions, 'limits' | 'removalDelay' | 'clock' | 'sources' | 'measure'> {}

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
    const { log, now = Date.now, chainBudget, ...lists } = options
    const credentials = await CredentialsWatcher.start(endpoints, { log, now, measure: options.measure ?? false })
    const watchers = new SharedWatchers({ ...lists, log, now: () => new Date(now()) })
    return new TlsLayers({ log, now, ...(chainBudget !== undefined && { chainBudget }), watchers, credentials })
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
  }
}
