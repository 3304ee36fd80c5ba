/** The argument `proxyFrom`: the networks whose hosts may say in a PROXY header who their client is. */
import { isIP } from 'node:net'
import type { ValueResult } from './kinds.js'
import { printable } from '../text/printable.js'

/**
 * Reads networks in CIDR notation, joined by commas. An address alone is the network of that one
 * host. Gives each as `address/prefix`; duplicates are dropped.
 */
export function networks (text: string): ValueResult<string[]> {
  const read = new Set<string>()
  let at = 0
  for (const item of text.split(',')) {
    const slash = item.indexOf('/')
    const address = slash === -1 ? item : item.slice(0, slash)
    const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0
    // isIP accepts a zone, which names a link of this host and not a network.
    if (bits === 0 || address.includes('%')) {
      return { wrong: `must be networks like 10.0.0.0/8,fd00\\:\\:/8, and ${printable(address)} is not an IP address`, at }
    }
    const prefix = slash === -1 ? String(bits) : item.slice(slash + 1)
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(prefix) || Number(prefix) > bits) {
      return {
        wrong: `must be networks like 10.0.0.0/8,fd00\\:\\:/8, and the prefix of ${printable(item)} is not a number from 0 to ${bits}`,
        at: at + slash + 1
      }
    }
    read.add(`${address}/${prefix}`)
    at += item.length + 1
  }
  return { value: [...read] }
}
