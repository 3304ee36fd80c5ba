/**
 * `app.endpoint`: a read-only, live view of the listeners.
 */
import { healthOf } from './health.js'
import type { Listener } from '../layers/listener.js'
import type { TlsLayer } from '../layers/tls-layer.js'
import type { EndpointDecorator, EndpointListener } from '../../types/plugin.js'

export function showListeners (listeners: readonly Listener[]): Map<Listener, EndpointListener> {
  return new Map(listeners.map((listener) => [listener, {
    description: listener.endpoint.description,
    verify: listener.endpoint.type === 'tls' ? listener.endpoint.verify : 'none',
    get address () { return listener.address },
    ...(listener.tls !== undefined && showTls(listener.endpoint, listener.tls))
  }]))
}

export function endpointDecorator (views: ReadonlyMap<Listener, EndpointListener>): EndpointDecorator {
  const listeners = [...views.keys()]
  return {
    listeners: [...views.values()],
    async reload () {
      await Promise.all(listeners.map(({ tls }) => tls?.reload()))
    },
    health: () => healthOf(listeners)
  }
}

type TlsMembers = Pick<EndpointListener, 'refusals' | 'sentChains' | 'revocation' | 'allowed'>

/** Getters, so that an app always sees the current values and can set none. */
function showTls (endpoint: Listener['endpoint'], { refusals, chainBudget, revocations, allowed }: TlsLayer): TlsMembers {
  return {
    refusals: {
      get total () { return refusals.total },
      get withoutAlert () { return refusals.withoutAlert }
    },
    ...(chainBudget !== undefined && { sentChains: { get lost () { return chainBudget.lost }, most: chainBudget.most } }),
    ...(revocations !== undefined && {
      revocation: {
        get generation () { return revocations.generation },
        get size () { return revocations.set.size },
        get loadedAt () { return revocations.set.loadedAt },
        status: (chain) => revocations.set.status(chain, endpoint.type === 'tls' ? endpoint : {})
      }
    }),
    ...(allowed !== undefined && {
      allowed: {
        get generation () { return allowed.generation },
        get rules () { return allowed.allowed?.size ?? 0 }
      }
    })
  }
}
