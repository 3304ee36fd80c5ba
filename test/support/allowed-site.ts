/** A site whose endpoint has an allowed list, and clients with names. */
import { randomBytes } from 'node:crypto'
import { rename, utimes, writeFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { makeSite, type Site } from './mutual-tls.js'
import type { Authority, Issued } from './pki.js'

export interface AllowedSite extends Site {
  /** The endpoint string with both lists. */
  readonly allowed: string
  /** Replaces the list by a rename, as editors and programs do it. */
  allow (...rules: string[]): Promise<void>
}

/** @param rules those that the list begins with */
export async function makeAllowedSite (t: Test, rules: readonly string[], ca?: Authority): Promise<AllowedSite> {
  const site = await makeSite(t, ca)
  const list = site.path('allowed.txt')
  const named = (file: string): string => quoteEndpointArgument(site.path(file))
  const allow = async (...rules: string[]): Promise<void> => { await replace(list, rules.map((rule) => `${rule}\n`).join('')) }
  await allow(...rules)
  const allowed = site.endpoint(`:authorities=${named('ca.pem')}:revokedFile=${named('revoked.txt')}:allowedFile=${named('allowed.txt')}`)
  return { ...site, allowed, allow }
}

/** Puts a file in the place of another one. Its times are apart, as they are where somebody else takes some time to write it. */
export async function replace (file: string, content: string): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}`
  await writeFile(temporary, content)
  await utimes(temporary, new Date(), new Date(Date.now() - 120_000))
  await rename(temporary, file)
}

/** A client with a SPIFFE ID. */
export async function issueWorkload (ca: Authority, spiffeId: string): Promise<Issued> {
  return await ca.issue({ name: '', usage: 'client', uris: [spiffeId] })
}
