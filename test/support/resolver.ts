/** Holds or replaces DNS lookups of this process: an endpoint that names a host opens when a test allows it. */
import dns, { type LookupAddress } from 'node:dns'
import type { Test } from 'tap'

export interface HeldLookup {
  /** Resolves when the address of the host is asked for. */
  readonly asked: Promise<void>
  /** Lets all lookups go on. */
  release (): void
}

/** Holds the lookups of one host until they are released, or until the test ends. */
export function holdLookup (t: Test, host: string): HeldLookup {
  const { lookup } = dns
  let release = (): void => {}
  const released = new Promise<void>((resolve) => { release = resolve })
  let tell = (): void => {}
  const asked = new Promise<void>((resolve) => { tell = resolve })
  const slow = (name: string, ...rest: unknown[]): void => {
    const go = (): void => { (lookup as (...args: unknown[]) => void)(name, ...rest) }
    if (name !== host) return go()
    tell()
    released.then(go)
  }
  t.intercept(dns, 'lookup', { value: slow as typeof lookup })
  t.teardown(release)
  return { asked, release }
}

/** Gives a host these addresses, in this order, until the test ends. */
export function answerLookup (t: Test, host: string, addresses: LookupAddress[]): void {
  const { lookup } = dns
  const answer = (name: string, options: unknown, callback: (error: null, addresses: LookupAddress[]) => void): void => {
    if (name === host) process.nextTick(callback, null, addresses)
    else (lookup as (...args: unknown[]) => void)(name, options, callback)
  }
  t.intercept(dns, 'lookup', { value: answer as typeof lookup })
}
