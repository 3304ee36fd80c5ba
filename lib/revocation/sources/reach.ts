/**
 * Where a connection may lead that somebody outside has named: a redirect, an authority, a sentinel. They could otherwise
 * make this process talk to services that only it can reach, such as the metadata of a cloud.
 *
 * Addresses are checked when they are connected to, so that a name cannot change its address in between.
 */
import { lookup as resolveName, type LookupAddress, type LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { type AddressKind, kindOf } from './address-kind.js'

/** Where a connection may go, by the address of its host. */
export interface Reach {
  readonly kinds: ReadonlySet<AddressKind>
  /** What leads there, for the message of an error: `it redirects from …`. */
  readonly who: string
  /** What to do about it, for the same message (name that address in the list). */
  readonly remedy?: string
}

/** @throws Error with a message for people, if a host is an address outside of the reach */
export function checkHost (reach: Reach | undefined, host: string): void {
  if (reach !== undefined && isIP(host) !== 0 && !mayGo(reach, host)) throw forbidden(reach, host)
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

/** Resolves a name to the addresses that a connection may reach. */
export function lookupWithin (reach: Reach): LookupFunction {
  return (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    resolveName(hostname, { ...options, all: true }, (error, addresses) => {
      const wrong = error === null ? addresses.find(({ address }) => !mayGo(reach, address)) : undefined
      const [first] = addresses ?? []
      if (error !== null || first === undefined) callback(error ?? new Error('no address'), [])
      else if (wrong !== undefined) callback(forbidden(reach, wrong.address), [])
      else if (options.all === true) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

function mayGo ({ kinds }: Reach, address: string): boolean {
  return kinds.has(kindOf(address))
}

function forbidden ({ who, remedy = 'if this is intended, name that address in the list' }: Reach, address: string): Error {
  return new Error(`${who} to a ${kindOf(address)} one (${address}): ${remedy}`)
}
