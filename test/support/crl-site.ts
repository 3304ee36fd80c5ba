/** A site whose list names CRLs: each `<name>.crl` in its folder. */
import { rm, writeFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { makeCrl, serialOf, type CrlOptions } from './crl.js'
import { makeSite, type Site } from './mutual-tls.js'
import type { Authority, Issued } from './pki.js'

export interface CrlSite extends Site {
  /** The endpoint string with more arguments about revocation, for example `unknownStatus=deny`. */
  strict (...policies: string[]): string
  /** Writes `<name>.crl`, in which an authority revokes. */
  list (name: string, authority: Authority, revoked?: Issued[], options?: CrlOptions): Promise<void>
  remove (name: string): Promise<void>
}

export async function makeCrlSite (t: Test): Promise<CrlSite> {
  const site = await makeSite(t)
  await writeFile(site.path('revoked.txt'), '*.crl\n')
  const named = (file: string): string => quoteEndpointArgument(site.path(file))
  return {
    ...site,
    strict: (...policies) => site.endpoint(['', `authorities=${named('ca.pem')}`, `revokedFile=${named('revoked.txt')}`, ...policies].join(':')),
    list: async (name, authority, revoked = [], options = {}) => {
      const entries = revoked.map(({ der }) => ({ serial: serialOf(der), reason: 1 }))
      await writeFile(site.path(`${name}.crl`), makeCrl(authority, { entries, ...options }).pem)
    },
    remove: (name) => rm(site.path(`${name}.crl`))
  }
}
