/**
 * What an app can ask: `app.endpoint`, with each of its listeners as it stands at that moment.
 */
import { healthOf } from './health.js'
import type { Listener } from '../layers/listener.js'
import type { EndpointDecorator, EndpointListener } from '../../types/plugin.js'

export function showListeners (listeners: readonly Listener[]): Map<Listener, EndpointListener> {
  return new Map(listeners.map((listener) => [listener, {
    description: listener.endpoint.description,
    verify: listener.endpoint.type === 'tls' ? listener.endpoint.verify : 'none',
    get address () { return listener.address },
    ...(listener.refusals === undefined ? {} : { refusals: refusalsOf(listener.refusals) }),
    ...(listener.chainBudget === undefined ? {} : { sentChains: sentChainsOf(listener.chainBudget) }),
    ...(listener.revocations === undefined ? {} : { revocation: revocationOf(listener, listener.revocations) })
  }]))
}

export function endpointDecorator (shown: ReadonlyMap<Listener, EndpointListener>): EndpointDecorator {
  const listeners = [...shown.keys()]
  return {
    listeners: [...shown.values()],
    async reload () {
      await Promise.all(listeners.map((listener) => listener.reload()))
    },
    health: () => healthOf(listeners)
  }
}

/** As it stands when it is asked for, and not to be set. */
function refusalsOf (refusals: NonNullable<Listener['refusals']>): NonNullable<EndpointListener['refusals']> {
  return {
    get total () { return refusals.total },
    get withoutAlert () { return refusals.withoutAlert }
  }
}

function sentChainsOf (budget: NonNullable<Listener['chainBudget']>): NonNullable<EndpointListener['sentChains']> {
  return { get lost () { return budget.lost }, most: budget.most }
}

function revocationOf ({ endpoint }: Listener, revocations: NonNullable<Listener['revocations']>): NonNullable<EndpointListener['revocation']> {
  return {
    get generation () { return revocations.generation },
    get size () { return revocations.set.size },
    get loadedAt () { return revocations.set.loadedAt },
    status: (chain) => revocations.set.status(chain, endpoint.type === 'tls' ? endpoint : {})
  }
}
