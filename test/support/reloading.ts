/** A folder with a list and certificates, loaded again and again. */
import { join } from 'node:path'
import { loadRevocationList, type LoadedRevocations, type RevocationLimits } from '../../lib/revocation/load.js'
import { readSigners, type SignerSet } from '../../lib/revocation/crl/signers.js'
import { ReaderThread } from '../../lib/revocation/reader-thread.js'
import { identifyCertificate } from '../../lib/revocation/identity.js'
import type { Issued } from './pki.js'

export class Reloading {
  readonly folder: string
  readonly list: string
  loaded: LoadedRevocations | undefined
  limits: RevocationLimits = {}
  authorities: SignerSet = readSigners([])
  readonly reader = new ReaderThread()

  constructor (folder: string) {
    this.folder = folder
    this.list = join(folder, 'revoked.txt')
  }

  path (...names: string[]): string {
    return join(this.folder, ...names)
  }

  /** Loads again, and gives the codes of the problems. */
  async load (): Promise<string[]> {
    this.loaded = await loadRevocationList({ list: this.list, limits: this.limits, authorities: this.authorities, reader: this.reader }, this.loaded)
    return this.loaded.problems.map((problem) => 'code' in problem ? String(problem.code) : problem.message)
  }

  /** Which of the certificates are revoked, by their common names. */
  revoked (...certificates: Issued[]): string[] {
    return certificates
      .filter(({ der }) => this.loaded?.set.find(identifyCertificate(der)) !== undefined)
      .map(({ x509 }) => x509.subject.replace('CN=', ''))
  }
}
