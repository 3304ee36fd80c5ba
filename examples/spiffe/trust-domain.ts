/**
 * A SPIFFE trust domain for this example: what a SPIRE server issues, and what spiffe-helper writes for each workload. In
 * production, SPIRE and spiffe-helper do this, and you need only the server.
 */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const MINUTE = 60_000
const SVID_LIFETIME = 60 * MINUTE
const AUTHORITY_LIFETIME = 24 * 60 * MINUTE

x509.cryptoProvider.set(webcrypto)

interface Issuer {
  readonly certificate: x509.X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

export class TrustDomain {
  readonly name: string
  readonly #folder: string
  readonly #workloads: readonly string[]
  /** The one that issues is the first. */
  #authorities: readonly Issuer[] = []

  private constructor (folder: string, name: string, workloads: readonly string[]) {
    this.#folder = folder
    this.name = name
    this.#workloads = workloads
  }

  /**
   * Creates a trust domain, and writes the files of each workload into a folder of its name.
   *
   * @param name of the trust domain, for example `example.org`
   * @param workloads the paths of their SPIFFE IDs, without a slash
   */
  static async start (folder: string, name: string, workloads: readonly string[]): Promise<TrustDomain> {
    const domain = new TrustDomain(folder, name, workloads)
    domain.#authorities = [await domain.#createAuthority()]
    for (const workload of workloads) await mkdir(join(folder, workload), { recursive: true, mode: 0o700 })
    await domain.renew()
    return domain
  }

  /** Gives each workload a new SVID, as SPIRE does after half of its lifetime. Returns their serial numbers. */
  async renew (): Promise<Map<string, string>> {
    const serials = new Map<string, string>()
    for (const workload of this.#workloads) {
      const { certificate, keys } = await this.#issue(workload)
      const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
      // In this order and in place, as spiffe-helper does: for a moment the files do not match.
      await writeFile(join(this.#folder, workload, 'svid.pem'), `${certificate.toString('pem')}\n`)
      await writeFile(join(this.#folder, workload, 'svid_key.pem'), `${key}\n`, { mode: 0o600 })
      await this.#writeBundle(workload)
      serials.set(workload, certificate.serialNumber.toUpperCase())
    }
    return serials
  }

  /** The next authority is in the bundle before it issues anything, so that nobody meets an SVID that it cannot verify. */
  async prepareAuthority (): Promise<void> {
    this.#authorities = [...this.#authorities, await this.#createAuthority()]
    for (const workload of this.#workloads) await this.#writeBundle(workload)
  }

  /** The newest authority issues from now on. Returns the serial numbers of the SVIDs that it issues at once. */
  async activateAuthority (): Promise<Map<string, string>> {
    this.#authorities = this.#authorities.toReversed()
    return await this.renew()
  }

  /** Removes the authorities that issue no more. What they issued is worthless then. */
  async dropOldAuthorities (): Promise<void> {
    this.#authorities = this.#authorities.slice(0, 1)
    for (const workload of this.#workloads) await this.#writeBundle(workload)
  }

  async #writeBundle (workload: string): Promise<void> {
    const bundle = this.#authorities.map(({ certificate }) => `${certificate.toString('pem')}\n`).join('')
    await writeFile(join(this.#folder, workload, 'svid_bundle.pem'), bundle)
  }

  async #createAuthority (): Promise<Issuer> {
    return await this.#certify(`O=${this.name}`, AUTHORITY_LIFETIME, [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${this.name}` }])
    ])
  }

  /** An X.509-SVID: one URI name, no CA, for servers and clients. */
  async #issue (workload: string): Promise<Issuer> {
    return await this.#certify(`O=${this.name}`, SVID_LIFETIME, [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${this.name}/${workload}` }])
    ], this.#authorities[0])
  }

  /** @param issuer undefined for a root */
  async #certify (subject: string, lifetime: number, extensions: x509.Extension[], issuer?: Issuer): Promise<Issuer> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as webcrypto.CryptoKeyPair
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: issuer?.certificate.subject ?? subject,
      notBefore: new Date(Date.now() - MINUTE),
      notAfter: new Date(Date.now() + lifetime),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: (issuer?.keys ?? keys).privateKey,
      extensions: [
        ...extensions,
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create((issuer?.keys ?? keys).publicKey)
      ]
    })
    return { certificate, keys }
  }
}
