/** A list that names a folder with so many certificates that the worker thread follows them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identifyCertificate } from '../../lib/x509/identity.js'
import type { RevocationSet } from '../../lib/revocation/set/revocation-set.js'
import { createAuthority } from './pki.js'
import { serialNumbers } from './serial-numbers.js'

/** More than the main thread reads itself. */
export const MANY = 600

const authority = await createAuthority()
const device = await authority.issue({ name: 'device', serial: '4000000000000000' })
/** The PEM of any of many certificates. */
export const certificate = serialNumbers(device.der, authority)

export class ManyFiles {
  readonly folder: string
  readonly list: string

  constructor (folder: string, count = MANY) {
    this.folder = folder
    this.list = join(folder, 'revoked.txt')
    mkdirSync(join(folder, 'certs'))
    for (let index = 0; index < count; index++) writeFileSync(this.path(index), certificate(index))
    writeFileSync(this.list, 'certs/*.pem\n')
  }

  path (index: number | string): string {
    return join(this.folder, 'certs', `device-${index}.pem`)
  }
}

/** Which of the certificates of some numbers are revoked. */
export function revokedOf (set: RevocationSet, ...indexes: number[]): number[] {
  return indexes.filter((index) => {
    const base64 = certificate(index).replace(/-----[^-]*-----/g, '')
    return set.find(identifyCertificate(Buffer.from(base64, 'base64'))) !== undefined
  })
}
