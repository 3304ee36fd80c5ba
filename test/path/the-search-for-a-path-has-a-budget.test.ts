/** A handshake has a limited cost, however complex the authorities are and whatever a client sends. */
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { PathFinder, type CertificatePath } from '../../lib/tls/path.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority, type Authority, type Issued } from '../support/pki.js'

const SIGNATURES = 32
const FAILURES = 4
const PATHS = 8
const STEPS = 256

/** The number of checks of certificates in this process since the last call. */
const asked = { verify: 0, checkIssued: 0 }
for (const method of ['verify', 'checkIssued'] as const) {
  const original = X509Certificate.prototype[method] as (other: never) => boolean
  X509Certificate.prototype[method] = function (this: X509Certificate, other: never) {
    asked[method]++
    return original.call(this, other)
  }
}

function makeFinder (authorities: ReadonlyArray<{ issued: Issued, anchor: boolean }>, mostLinks?: number): (leaf: Issued) => { paths: CertificatePath[], verified: number, looked: number } {
  const finder = new PathFinder({ all: authorities.map(({ issued: { x509, der }, anchor }) => ({ x509, identity: identifyCertificate(der), isAnchor: anchor, isSelfSigned: anchor })), digest: '' }, Date.now, undefined, mostLinks)
  return ({ x509, der }) => {
    asked.verify = asked.checkIssued = 0
    return { paths: finder.find(x509, identifyCertificate(der), [], true), verified: asked.verify, looked: asked.checkIssued }
  }
}

t.test('the search tries at most 32 authorities of one name', async (t) => {
  const all: Authority[] = await Promise.all(Array.from({ length: SIGNATURES + 1 }, () => createAuthority({ name: 'One Name', keyIdentifiers: false })))
  const find = makeFinder(all.map((issued) => ({ issued, anchor: true })))
  const issue = async (index: number): Promise<Issued> => await (all[index] as Authority).issue({ name: 'client', usage: 'client', keyIdentifiers: false })
  const within = find(await issue(SIGNATURES - 1))
  t.equal(within.paths.length, 1)
  t.equal(within.verified, SIGNATURES)
  const beyond = find(await issue(SIGNATURES))
  t.equal(beyond.paths.length, 0, 'refused, not admitted')
  t.equal(beyond.verified, SIGNATURES)
})

t.test('at most four signatures that a client sends may fail', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, site.endpoint())
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyIdentifiers: false })
  const leaf = await intermediate.issue({ name: 'client', usage: 'client', keyIdentifiers: false })
  // All of them have the name of the intermediate, and each has a different issuer.
  const impostors = (await Promise.all(Array.from({ length: 2 * FAILURES }, async () => {
    const above = await createAuthority({ name: 'Intermediate', keyIdentifiers: false })
    return [await createAuthority({ name: 'Intermediate', issuer: above, keyIdentifiers: false }), above]
  }))).flat()
  const client = { chain: leaf.certificate + [intermediate, ...impostors].map(({ certificate }) => certificate).join(''), key: leaf.key }
  asked.verify = 0
  t.equal((await get(port, asClient(site, client))).status, 200)
  t.ok(asked.verify > 2 && asked.verify <= 2 + FAILURES, `${asked.verify} signatures`)
})

t.test('authorities that certify each other cost at most 256 steps, 32 signatures and 8 paths', async (t) => {
  const roots = await Promise.all(Array.from({ length: 9 }, (_none, index) => createAuthority({ name: `Mesh ${index}` })))
  const crossed = await Promise.all(roots.flatMap((subject) => roots.filter((issuer) => issuer !== subject).map((issuer) =>
    createAuthority({ name: subject.x509.subject, keyPair: subject.keyPair, issuer }))))
  const leaf = await (roots[0] as Authority).issue({ name: 'client', usage: 'client' })
  for (const { title, authorities, paths } of [
    { title: 'with an anchor', authorities: [...crossed, ...roots.slice(-1)], paths: PATHS },
    { title: 'without', authorities: crossed, paths: 0 }
  ]) {
    const find = makeFinder(authorities.map((issued) => ({ issued, anchor: roots.includes(issued) })))
    // More links are remembered each time, until none needs verification.
    for (let attempt = 0; attempt < 60; attempt++) {
      const found = find(leaf)
      t.ok(found.paths.length <= paths && found.verified <= SIGNATURES, title)
      t.ok(found.looked <= (STEPS + 1) * authorities.length, `${found.looked} looks`)
    }
  }
})

t.test('the most recently used links are remembered, up to a limit', async (t) => {
  const ca = await createAuthority()
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => ca.issue({ name, usage: 'client' }))) as [Issued, Issued, Issued]
  const find = makeFinder([{ issued: ca, anchor: true }], 2)
  const verified = [a, b, a, c, a, b].map((leaf) => find(leaf).verified)
  t.same(verified, [1, 1, 0, 1, 0, 1], 'c has displaced b, the least recently used')
})
