/**
 * Clients that send certificates with hostile keys, as their own or as intermediates. Each sends a new leaf, so that no
 * remembered admission of another client serves it.
 */
import type { Test } from 'tap'
import { BesideOpenssl, type SentChain } from './beside-openssl.js'
import { hostileKeys, withKey } from './hostile-keys.js'
import { makeSite } from './mutual-tls.js'
import { createAuthority } from './pki.js'
import type { RawClient } from './raw-tls-client.js'

const INFINITY = 'EC prime256v1 at infinity behind alice'

/** Fails if a process ends, a client is served that OpenSSL rejects, or a client is rejected whose path the authorities complete. */
export async function sendHostileKeys (t: Test, version: RawClient['version']): Promise<void> {
  const site = await makeSite(t)
  const { ca, alice } = site
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: ca })
  const bob = await intermediate.issue({ name: 'bob', usage: 'client' })
  const chains = hostileKeys().flatMap(({ name, spki }): SentChain[] => {
    const leaf = withKey(alice.der, ownKeyOf(alice.der), ca.key)
    const below = withKey(bob.der, ownKeyOf(bob.der), intermediate.key)
    return [
      { name: `${name} behind alice`, version, chain: [leaf, withKey(ca.der, spki), withKey(ca.der, spki, ca.key)], key: alice.key, isOwed: true },
      { name: `${name} of alice`, version, chain: [withKey(alice.der, spki, ca.key)], key: alice.key },
      { name: `${name} beside bob's intermediate`, version, chain: [below, withKey(intermediate.der, spki, ca.key), intermediate.der], key: bob.key }
    ]
  })
  const servers = await BesideOpenssl.start(t, site)
  const verdicts = await servers.judge(chains)
  for (const { name, isServed, isAccepted } of verdicts) {
    if (isServed && isAccepted !== true) t.fail(`${name} is served`)
    if (isAccepted === true && !isServed) t.fail(`${name} is not served`)
  }
  t.strictSame(verdicts.find(({ name }) => name === INFINITY), { name: INFINITY, isServed: true, isAccepted: true })
  t.comment(`${verdicts.length} chains, ${verdicts.filter(({ isServed }) => isServed).length} served`)
}

/** The SubjectPublicKeyInfo of a P-256 certificate. */
function ownKeyOf (der: Buffer): Buffer {
  const start = der.indexOf(Buffer.from('3059301306072a8648ce3d0201', 'hex'))
  return der.subarray(start, start + 0x5b)
}
