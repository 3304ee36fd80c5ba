/** A folder with a list and certificates, and repeated loads of it. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { loadRevocationList, type LoadedRevocations } from '../../lib/revocation/load.js'
import { Authorities } from '../../lib/x509/authorities.js'
import { ListFiles } from '../../lib/revocation/files/list-files.js'
import { ReaderThread } from '../../lib/revocation/thread/reader-thread.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { RACY } from '../../lib/watching/observation.js'
import type { Issued } from './pki.js'
import type { RevocationLimits } from '../../types/revocation.js'

/** A change must be older than this for a scan to be sure that there was no other. */
const NEXT_SCAN = RACY + 10
const MOST_SCANS = 100

export class Reloading {
  readonly folder: string
  readonly list: string
  loaded: LoadedRevocations | undefined
  limits: RevocationLimits = {}
  authorities = Authorities.none
  readonly reader = new ReaderThread()
  readonly #files = new ListFiles({ reader: this.reader })
  /** Files count as gone at the first complete scan, unless a test sets this. */
  removalDelay = 0
  /** The clock of the removal delay in milliseconds; undefined for the real clock. */
  time: number | undefined
  /** How long each scan takes by that clock, in milliseconds. */
  scanTime = 0

  constructor (folder: string) {
    this.folder = folder
    this.list = join(folder, 'revoked.txt')
  }

  path (...names: string[]): string {
    return join(this.folder, ...names)
  }

  /** Loads until no load waits for another, and gives the codes of the problems. */
  async load (): Promise<string[]> {
    let codes = await this.scan()
    for (let scans = 0; this.loaded?.again !== undefined && scans < MOST_SCANS; scans++) {
      await delay(NEXT_SCAN)
      codes = await this.scan()
    }
    return codes
  }

  /** Loads once, so many milliseconds later by `time`. Changes are no longer racy then. */
  async pass (milliseconds: number): Promise<string[]> {
    await delay(NEXT_SCAN)
    this.time = (this.time ?? 0) + milliseconds
    return await this.scan()
  }

  /** Loads once. */
  async scan (isConfirming = false): Promise<string[]> {
    const { list, limits, authorities, reader, removalDelay, time, scanTime } = this
    const files = this.#files
    let looks = 0
    const clock = time === undefined ? {} : { clock: () => time + (looks++ === 0 ? 0 : scanTime) }
    this.loaded = await loadRevocationList({ list, limits, authorities, reader, files, removalDelay, isConfirming, ...clock }, this.loaded)
    return this.loaded.problems.map((problem) => 'code' in problem ? String(problem.code) : problem.message)
  }

  /** Which of the certificates are revoked, by their common names. */
  revoked (...certificates: Issued[]): string[] {
    return certificates
      .filter(({ der }) => this.loaded?.set.find(identifyCertificate(der)) !== undefined)
      .map(({ x509 }) => x509.subject.replace('CN=', ''))
  }
}
