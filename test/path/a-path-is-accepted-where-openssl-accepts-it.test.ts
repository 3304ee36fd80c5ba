/**
 * Compares chains of every shape with `openssl verify`: the clients that OpenSSL accepts are served, and no
 * others.
 */
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { asClient, bytesFor, makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority, element, Extension, generateKeyPair, type Authority, type Issued } from '../support/pki.js'
import { hasProgram, run } from '../support/programs.js'

interface Flight {
  /** The PEM content of the file `authorities`. */
  readonly authorities: string
  readonly leaf: Issued
  /** The certificates that the client sends after its own. */
  readonly sent: readonly string[]
}

const SHAPES: ReadonlyArray<{ title: string, good: boolean, make: () => Promise<Flight> }> = [
  {
    title: 'a leaf of a root',
    good: true,
    make: async () => {
      const root = await createAuthority({ name: 'Root' })
      return { authorities: root.certificate, leaf: await client(root), sent: [] }
    }
  },
  {
    title: 'an intermediate that the client sends',
    good: true,
    make: async () => {
      const root = await createAuthority({ name: 'Root' })
      const intermediate = await createAuthority({ name: 'Intermediate', issuer: root })
      return { authorities: root.certificate, leaf: await client(intermediate), sent: [intermediate.certificate] }
    }
  },
  {
    title: 'an intermediate that is among the authorities',
    good: true,
    make: async () => {
      const root = await createAuthority({ name: 'Root' })
      const intermediate = await createAuthority({ name: 'Intermediate', issuer: root })
      return { authorities: root.certificate + intermediate.certificate, leaf: await client(intermediate), sent: [] }
    }
  },
  {
    title: 'a missing intermediate',
    good: false,
    make: async () => {
      const root = await createAuthority({ name: 'Root' })
      const intermediate = await createAuthority({ name: 'Intermediate', issuer: root })
      return { authorities: root.certificate, leaf: await client(intermediate), sent: [] }
    }
  },
  {
    title: 'two roots of one name, the right one second',
    good: true,
    make: async () => {
      const [first, second] = [await createAuthority({ name: 'Root' }), await createAuthority({ name: 'Root' })]
      return { authorities: first.certificate + second.certificate, leaf: await client(second), sent: [] }
    }
  },
  {
    title: 'two intermediates of one name, both sent, the right one second',
    good: true,
    make: async () => {
      const root = await createAuthority({ name: 'Root' })
      const other = await createAuthority({ name: 'Intermediate', issuer: root })
      const intermediate = await createAuthority({ name: 'Intermediate', issuer: root })
      return { authorities: root.certificate, leaf: await client(intermediate), sent: [other.certificate, intermediate.certificate] }
    }
  },
  {
    title: 'junk in the chain',
    good: true,
    make: async () => {
      const root = await createAuthority({ name: 'Root' })
      const intermediate = await createAuthority({ name: 'Intermediate', issuer: root })
      const junk = await createAuthority({ name: 'Junk' })
      return { authorities: root.certificate, leaf: await client(intermediate), sent: [junk.certificate, intermediate.certificate, (await client(junk)).certificate] }
    }
  },
  {
    title: 'the root sent along',
    good: true,
    make: async () => {
      const root = await createAuthority({ name: 'Root' })
      const intermediate = await createAuthority({ name: 'Intermediate', issuer: root })
      return { authorities: root.certificate, leaf: await client(intermediate), sent: [intermediate.certificate, root.certificate] }
    }
  },
  {
    title: 'a cross-signed intermediate, sent with the certificate of the trusted root',
    good: true,
    make: async () => {
      const [trusted, other] = [await createAuthority({ name: 'Trusted' }), await createAuthority({ name: 'Other' })]
      const keyPair = await generateKeyPair()
      const own = await createAuthority({ name: 'Cross', issuer: other, keyPair })
      const crossed = await createAuthority({ name: 'Cross', issuer: trusted, keyPair })
      return { authorities: trusted.certificate, leaf: await client(own), sent: [crossed.certificate] }
    }
  },
  {
    title: 'a cross-signed intermediate, sent with the certificate of the other root only',
    good: false,
    make: async () => {
      const [trusted, other] = [await createAuthority({ name: 'Trusted' }), await createAuthority({ name: 'Other' })]
      const intermediate = await createAuthority({ name: 'Cross', issuer: other })
      return { authorities: trusted.certificate, leaf: await client(intermediate), sent: [intermediate.certificate] }
    }
  },
  {
    title: 'a self-issued intermediate with a new key',
    good: true,
    make: async () => {
      const root = await createAuthority({ name: 'Root' })
      const rollover = await createAuthority({ name: 'Root', issuer: root })
      return { authorities: root.certificate, leaf: await client(rollover), sent: [rollover.certificate] }
    }
  },
  {
    title: 'a path with eleven intermediates',
    good: true,
    make: async () => {
      const root = await createAuthority({ name: 'Root' })
      const line = [root]
      for (let depth = 1; depth <= 11; depth++) line.push(await createAuthority({ name: `Intermediate ${depth}`, issuer: line.at(-1) as Authority }))
      return { authorities: root.certificate, leaf: await client(line.at(-1) as Authority), sent: line.slice(1).reverse().map(({ certificate }) => certificate) }
    }
  },
  {
    title: 'a path that is longer than an authority allows',
    good: false,
    make: async () => {
      const root = await createAuthority({ name: 'Root', pathLength: 0 })
      const intermediate = await createAuthority({ name: 'Intermediate', issuer: root })
      return { authorities: root.certificate, leaf: await client(intermediate), sent: [intermediate.certificate] }
    }
  },
  {
    title: 'a name that a constraint excludes',
    good: false,
    make: async () => {
      const { root, intermediate } = await makeConstrained()
      const leaf = await intermediate.issue({ name: 'constrained', usage: 'client', dnsNames: ['device.example.com'] })
      return { authorities: root.certificate, leaf, sent: [intermediate.certificate] }
    }
  },
  {
    title: 'a name that a constraint allows',
    good: true,
    make: async () => {
      const { root, intermediate } = await makeConstrained()
      const leaf = await intermediate.issue({ name: 'constrained', usage: 'client', dnsNames: ['device.example.org'] })
      return { authorities: root.certificate, leaf, sent: [intermediate.certificate] }
    }
  },
  {
    title: 'a leaf that signed another leaf',
    good: false,
    make: async () => {
      const root = await createAuthority({ name: 'Root' })
      const leaf = await client(root)
      const impostor = await createAuthority({ name: 'client', keyPair: leaf.keyPair })
      return { authorities: root.certificate, leaf: await client(impostor), sent: [leaf.certificate] }
    }
  },
  {
    title: 'an expired intermediate',
    good: false,
    make: async () => {
      const root = await createAuthority({ name: 'Root' })
      const intermediate = await createAuthority({ name: 'Intermediate', issuer: root, notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') })
      return { authorities: root.certificate, leaf: await client(intermediate), sent: [intermediate.certificate] }
    }
  }
]

for (const { title, good, make } of SHAPES) {
  t.test(`${title}: ${good ? 'served' : 'refused'}`, async (t) => {
    if (!hasProgram(t, 'openssl')) return
    const site = await makeSite(t)
    const { authorities, leaf, sent } = await make()
    await Promise.all([
      writeFile(site.path('ca.pem'), authorities), writeFile(site.path('leaf.pem'), leaf.certificate), writeFile(site.path('sent.pem'), sent.join('') || leaf.certificate)
    ])
    const verified = await run('openssl', ['verify', '-purpose', 'sslclient', '-CAfile', site.path('ca.pem'), '-untrusted', site.path('sent.pem'), site.path('leaf.pem')])
    t.equal(verified.status === 0, good, 'OpenSSL agrees')
    const { port } = await startApp(t, site.endpoint(), (app) => { app.get('/', async () => 'served') })
    const answer = await bytesFor(port, asClient(site, { chain: leaf.certificate + sent.join(''), key: leaf.key }), 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
    t.equal(answer.includes('served'), good)
  })
}

function client (issuer: Authority): Promise<Issued> {
  return issuer.issue({ name: 'client', usage: 'client' })
}

/** permittedSubtrees with one dNSName, as in RFC 5280 section 4.2.1.10. */
async function makeConstrained (): Promise<{ root: Authority, intermediate: Authority }> {
  const constraints = element(0x30, element(0xa0, element(0x30, element(0x82, Buffer.from('example.org')))))
  const root = await createAuthority({ name: 'Root' })
  const intermediate = await createAuthority({ name: 'Constrained', issuer: root, extensions: [new Extension('2.5.29.30', true, constraints)] })
  return { root, intermediate }
}
