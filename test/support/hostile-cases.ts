/** Hostile certificates for one site, and a process for each place that reads them. */
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { HostileCase } from '../programs/take-hostile-certificates.js'
import { startProgram } from './children.js'
import { makeCrl } from './crl.js'
import { hostileKeys, withKey, type HostileKey } from './hostile-keys.js'
import { makeSite, type Site } from './mutual-tls.js'
import { createAuthority } from './pki.js'

/** A site with hostile keys. */
export interface HostileSite {
  readonly site: Site
  readonly cases: readonly HostileCase[]
}

export async function makeHostileSite (t: Test, keys: readonly HostileKey[] = hostileKeys()): Promise<HostileSite> {
  const site = await makeSite(t)
  mkdirSync(site.path('names'))
  writeFileSync(site.path('site.json'), JSON.stringify({ ca: site.ca.der.toString('base64') }))
  return { site, cases: casesOf(site, keys) }
}

/** CRLs of authorities of one name, with keys of three kinds. */
export async function writeCrls ({ site }: HostileSite): Promise<void> {
  const [rsa, ed25519] = await Promise.all([createAuthority({ name: 'Test CA', keyAlgorithm: 'RSA-2048' }), createAuthority({ name: 'Test CA', keyAlgorithm: 'Ed25519' })])
  for (const [name, signer] of Object.entries({ ca: site.ca, rsa, ed25519 })) writeFileSync(site.path(`${name}.crl`), makeCrl(signer, { entries: [{ serial: '05' }] }).pem)
}

function casesOf ({ ca, alice }: Site, keys: readonly HostileKey[]): HostileCase[] {
  return keys.map(({ name, spki }) => ({
    name,
    key: spki.toString('base64'),
    leaf: withKey(alice.der, spki, ca.key).toString('base64'),
    twin: withKey(ca.der, spki).toString('base64'),
    cross: withKey(ca.der, spki, ca.key).toString('base64')
  }))
}

/** How many keys a place reads at once, if it can read several. With 1, each is read alone, which takes several times as long. */
const TOGETHER = Number(process.env['HOSTILE_KEYS_TOGETHER'] ?? 16)
/** Places that read several keys. The others stop at the first key that they refuse. */
const TAKES_SEVERAL = new Set(['authorities', 'CRL signer', 'list', 'source', 'status', 'check', 'extraCertChain'])
/** Keys that are always read alone, because the tests expect an outcome for each. */
const ALONE = 'EC prime256v1 at infinity'

/** The outcome of each group in a place: a word, or how the process ended. */
async function outcomesIn (t: Test, place: string, site: Site, groups: ReadonlyArray<readonly HostileCase[]>): Promise<string[]> {
  const file = site.path(`${place}.json`)
  writeFileSync(file, JSON.stringify(groups))
  rmSync(`${file}.outcomes`, { force: true })
  const outcomes: string[] = []
  while (outcomes.length < groups.length) {
    const child = startProgram(t, 'take-hostile-certificates', [place, site.folder, file, String(outcomes.length)])
    child.process.stdin?.end()
    if (child.process.exitCode === null) await once(child.process, 'close')
    const { status, signal } = await child.ended
    const written = existsSync(`${file}.outcomes`) ? readFileSync(`${file}.outcomes`, 'utf8') : ''
    for (const line of written.split('\n').filter((line) => line !== '')) {
      const { index, outcome } = JSON.parse(line) as { index: number, outcome: string }
      outcomes[index] = outcome
    }
    if (outcomes.length < groups.length) outcomes.push(`ended the process: ${signal ?? status} ${child.output.slice(0, 500)}`)
  }
  return outcomes
}

/** Fails for each key that ends a process or gives no coded error; returns the outcomes by the names of the keys. */
export async function takeAll (t: Test, { site, cases }: HostileSite, place: string): Promise<Map<string, string>> {
  const many = cases.filter(({ name }) => name !== ALONE)
  const groups = cases.filter(({ name }) => name === ALONE).map((one) => [one])
  const size = TAKES_SEVERAL.has(place) ? TOGETHER : 1
  for (let start = 0; start < many.length; start += size) groups.push(many.slice(start, start + size))
  const outcomes = new Map<string, string>()
  for (const [index, outcome] of (await outcomesIn(t, place, site, groups)).entries()) {
    const group = groups[index] as HostileCase[]
    const each = isWrong(outcome) && group.length > 1 ? await outcomesIn(t, place, site, group.map((one) => [one])) : group.map(() => outcome)
    for (const [at, { name }] of group.entries()) {
      outcomes.set(name, each[at] as string)
      if (isWrong(each[at] as string)) t.fail(`${name} in ${place}: ${each[at]}`)
    }
    if (isWrong(outcome) && !each.some(isWrong)) t.fail(`only together, ${group.map(({ name }) => name).join('; ')} in ${place}: ${outcome}`)
  }
  t.equal(outcomes.size, cases.length)
  return outcomes
}

function isWrong (outcome: string): boolean {
  return /^(ended|no coded)/.test(outcome)
}
