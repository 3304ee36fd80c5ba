/**
 * Thousands of chains with bytes changed anywhere in them, in TLS 1.2 and 1.3. OpenSSL refuses most of them, and no client that it refuses is
 * served. The process does not end, and a good client is served afterwards.
 */
import t from 'tap'
import { BesideOpenssl, type SentChain } from '../support/beside-openssl.js'
import { makeSite } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'

// This takes some seconds; you can set a higher number for a run by hand.
const CHAINS = Number(process.env['MUTATED_CHAINS'] ?? 600)
const SEED = Number(process.env['MUTATED_SEED'] ?? 20_261_130)

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`no client with one of ${CHAINS} mutated chains is served in ${version}`, async (t) => {
    const site = await makeSite(t)
    const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
    const bob = await intermediate.issue({ name: 'bob', usage: 'client' })
    const good = [bob.der, intermediate.der, site.ca.der]
    const random = randomNumbers(SEED)
    const chains = Array.from({ length: CHAINS }, (_, index): SentChain => ({ name: `chain ${index}`, version, chain: mutated(good, random), key: bob.key }))
    const servers = await BesideOpenssl.start(t, site)
    for (const { name, isServed, isAccepted } of await servers.judge(chains)) if (isServed && isAccepted !== true) t.fail(`${name} of ${SEED} is served`)
    t.match(await servers.judge([{ name: 'good', version, chain: good, key: bob.key }]), [{ isServed: true, isAccepted: true }])
  })
}

/** One to four changes: a bit, a byte, a piece removed, doubled or overwritten, a certificate omitted or repeated. */
function mutated (good: readonly Buffer[], random: (below: number) => number): Buffer[] {
  const chain = good.map((der) => Buffer.from(der))
  for (let changes = 1 + random(4); changes > 0; changes--) {
    // The leaf is mostly left unchanged, because OpenSSL checks nothing else if it is wrong.
    const at = random(8) === 0 ? 0 : random(chain.length)
    const der = chain[at] as Buffer
    const place = random(der.length)
    const length = 1 + random(24)
    switch (random(9)) {
      case 0: der[place] = (der[place] as number) ^ 1 << random(8); break
      case 1: der[place] = random(256); break
      case 2: der[place] = [0, 1, 0x7f, 0x80, 0xff][random(5)] as number; break
      case 3: chain[at] = Buffer.concat([der.subarray(0, place), der.subarray(place + length)]); break
      case 4: chain[at] = Buffer.concat([der.subarray(0, place + length), der.subarray(place)]); break
      case 5: der.fill(random(2) === 0 ? 0 : 0xff, place, Math.min(der.length, place + length)); break
      case 6: if (chain.length > 1) chain.splice(1 + random(chain.length - 1), 1); break
      case 7: chain.splice(1 + random(chain.length), 0, Buffer.from(chain[random(chain.length)] as Buffer)); break
      default: chain[at] = Buffer.concat([der, Buffer.alloc(length, random(256))])
    }
    if (chain[at]?.length === 0) chain[at] = Buffer.of(0)
  }
  return chain
}

/** Marsaglia's xorshift: the same numbers at each run. */
function randomNumbers (seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
