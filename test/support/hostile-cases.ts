/** Hostile certificates for one site, and a process of its own for each place that takes them. */
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { HostileCase } from '../programs/take-hostile-certificates.js'
import { startProgram } from './children.js'
import { makeCrl } from './crl.js'
import { withKey, type HostileKey } from './hostile-keys.js'
import { makeSite, type Site } from './mutual-tls.js'
import { createAuthority } from './pki.js'

/** A site with all that the places need. */
export async function makeHostileSite (t: Test): Promise<Site> {
  const site = await makeSite(t)
  const [rsa, ed25519] = await Promise.all([createAuthority({ name: 'Test CA', keyAlgorithm: 'RSA-2048' }), createAuthority({ name: 'Test CA', keyAlgorithm: 'Ed25519' })])
  mkdirSync(site.path('names'))
  writeFileSync(site.path('site.json'), JSON.stringify({ ca: site.ca.der.toString('base64') }))
  for (const [name, signer] of Object.entries({ ca: site.ca, rsa, ed25519 })) writeFileSync(site.path(`${name}.crl`), makeCrl(signer, { entries: [{ serial: '05' }] }).pem)
  return site
}

export function casesOf ({ ca, alice }: Site, keys: readonly HostileKey[]): HostileCase[] {
  return keys.map(({ name, spki }) => ({
    name,
    key: spki.toString('base64'),
    leaf: withKey(alice.der, spki, ca.key).toString('base64'),
    twin: withKey(ca.der, spki).toString('base64'),
    cross: withKey(ca.der, spki, ca.key).toString('base64')
  }))
}

/** What has come of each case in a place: a word, or how the process has ended. */
export async function outcomesIn (t: Test, place: string, site: Site, cases: readonly HostileCase[]): Promise<string[]> {
  const file = site.path(`${place}.json`)
  writeFileSync(file, JSON.stringify(cases))
  const outcomes: string[] = []
  while (outcomes.length < cases.length) {
    const child = startProgram(t, 'take-hostile-certificates', [place, site.folder, file, String(outcomes.length)])
    child.process.stdin?.end()
    if (child.process.exitCode === null) await once(child.process, 'close')
    const { status, signal } = await child.ended
    const written = existsSync(`${file}.outcomes`) ? readFileSync(`${file}.outcomes`, 'utf8') : ''
    for (const line of written.split('\n').filter((line) => line !== '')) {
      const { index, outcome } = JSON.parse(line) as { index: number, outcome: string }
      outcomes[index] = outcome
    }
    if (outcomes.length < cases.length) outcomes.push(`ended the process: ${signal ?? status} ${child.output.slice(0, 500)}`)
  }
  return outcomes
}

/** Fails for each key over which the process ends in a place, or which gives no coded error; the outcomes are by the names of the keys. */
export async function takeAll (t: Test, place: string, keys: readonly HostileKey[]): Promise<Map<string, string>> {
  const site = await makeHostileSite(t)
  const outcomes = await outcomesIn(t, place, site, casesOf(site, keys))
  for (const [index, outcome] of outcomes.entries()) {
    if (/^(ended|no coded)/.test(outcome)) t.fail(`${keys[index]?.name} in ${place}: ${outcome}`)
  }
  t.equal(outcomes.length, keys.length)
  return new Map(keys.map(({ name }, index) => [name, outcomes[index] as string]))
}
