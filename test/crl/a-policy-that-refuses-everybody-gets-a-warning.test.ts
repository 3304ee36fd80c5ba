import 'reflect-metadata'
import { writeFile } from 'node:fs/promises'
import { KeyUsageFlags } from '@peculiar/x509'
import t from 'tap'
import type { CheckReport, CheckWarning } from '../../types/command-line.js'
import { alertSeenByNode } from '../support/alerts.js'
import { runMain } from '../support/command-line.js'
import { type CrlOptions, directoryName, namesPoints, scope, subjectOf, uri } from '../support/crl.js'
import { type CrlSite, makeCrlSite } from '../support/crl-site.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, putInForce, startApp } from '../support/mutual-tls.js'
import { createAuthority, type Issued } from '../support/pki.js'

const DAY = 24 * 60 * 60 * 1000
const PAST = { thisUpdate: new Date('2026-01-01'), nextUpdate: new Date('2026-01-02') }
const TO_COME = { thisUpdate: new Date(Date.now() + DAY), nextUpdate: new Date(Date.now() + 2 * DAY) }
const POINT = uri('http://crl.test/1')
const OTHER_POINT = uri('http://crl.test/2')
const DENY = ['unknownStatus=deny']
const DENY_EXPIRED = ['expiredCrl=deny']
const BOTH = [...DENY, ...DENY_EXPIRED]

interface Case {
  readonly name: string
  readonly policy: string[]
  /** Writes authorities and CRLs, and returns the client with the best chance of being accepted. */
  readonly make: (site: CrlSite) => Promise<Issued>
  /** The warning; undefined if the client is accepted. */
  readonly says?: RegExp
}

/** CRLs of the authority of the site. */
function own (...crls: CrlOptions[]): Case['make'] {
  return async (site) => {
    for (const [index, options] of crls.entries()) await site.list(`ca${index}`, site.ca, [], options)
    return site.alice
  }
}

/** The same for clients that name distribution points. */
function pointing (points: Parameters<typeof namesPoints>, ...crls: CrlOptions[]): Case['make'] {
  return async (site) => {
    await own(...crls)(site)
    return await site.ca.issue({ name: 'carol', usage: 'client', extensions: [namesPoints(...points)] })
  }
}

/** An authority below the one of the site, in the same file, and CRLs of both. */
function below (root: CrlOptions[], issuing: CrlOptions[], points: Parameters<typeof namesPoints> = []): Case['make'] {
  return async (site) => {
    const authority = await createAuthority({ name: 'Issuing', issuer: site.ca, ...points.length > 0 && { extensions: [namesPoints(...points)] } })
    await writeFile(site.path('ca.pem'), site.ca.certificate + authority.certificate)
    await own(...root)(site)
    for (const [index, options] of issuing.entries()) await site.list(`issuing${index}`, authority, [], options)
    return await authority.issue({ name: 'dave', usage: 'client' })
  }
}

/** The CRL of another authority, so that CRLs are in use. */
async function listOther (site: CrlSite): Promise<Issued> {
  const other = await createAuthority({ name: 'Other' })
  await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  await site.list('other', other)
  return site.alice
}

const CASES: Case[] = [
  { name: 'a current CRL', policy: BOTH, make: own({}) },
  { name: 'no CRL', policy: DENY, make: listOther, says: /^no CRL of CN=Test CA is in force, so unknownStatus=deny rejects every client of CN=Test CA: add its CRL$/ },
  { name: 'no CRL', policy: DENY_EXPIRED, make: listOther },
  { name: 'an expired CRL', policy: DENY_EXPIRED, make: own(PAST), says: /^the CRL of CN=Test CA in ".*ca0\.crl" has expired, so expiredCrl=deny rejects every client of CN=Test CA: publish a newer one$/ },
  { name: 'an expired CRL', policy: BOTH, make: own(PAST), says: /has expired, so expiredCrl=deny/ },
  { name: 'an expired CRL', policy: DENY, make: own(PAST) },
  { name: 'a CRL that is not yet valid', policy: BOTH, make: own(TO_COME), says: /is not valid before .*, so expiredCrl=deny/ },
  { name: 'a CRL that is not yet valid', policy: DENY, make: own(TO_COME) },
  { name: 'a CRL about authorities', policy: DENY, make: own({ scope: scope({ onlyAuthority: true }) }), says: /onlyContainsCACerts\), so unknownStatus=deny rejects every client of CN=Test CA: add one that covers the others$/ },
  { name: 'a CRL about authorities', policy: DENY_EXPIRED, make: own({ ...PAST, scope: scope({ onlyAuthority: true }) }) },
  { name: 'a CRL about attribute certificates', policy: DENY, make: own({ scope: scope({ onlyAttribute: true }) }), says: /covers attribute certificates only \(onlyContainsAttributeCerts\), so/ },
  { name: 'a CRL about clients', policy: BOTH, make: own({ scope: scope({ onlyUser: true }) }) },
  { name: 'a CRL about some reasons', policy: DENY, make: own({ scope: scope({ reasons: [1, 2] }) }), says: /does not cover all reasons \(onlySomeReasons\), so/ },
  { name: 'an expired CRL about some reasons', policy: DENY, make: own({ ...PAST, scope: scope({ reasons: [1, 2] }) }), says: /does not cover all reasons \(onlySomeReasons\), so unknownStatus/ },
  { name: 'CRLs that together cover all reasons', policy: BOTH, make: own({ scope: scope({ reasons: [1, 2, 3, 4] }) }, { scope: scope({ reasons: [5, 6, 7, 8] }) }) },
  { name: 'CRLs that together cover all reasons, one of them expired', policy: BOTH, make: own({ scope: scope({ reasons: [1, 2, 3, 4] }) }, { ...PAST, scope: scope({ reasons: [5, 6, 7, 8] }) }), says: /ca1\.crl" has expired, so expiredCrl/ },
  { name: 'a delta CRL alone', policy: DENY, make: own({ number: 2, base: 1 }), says: /is a delta CRL without its complete CRL, so/ },
  { name: 'a delta CRL that renews an expired one', policy: BOTH, make: own({ ...PAST, number: 1 }, { number: 2, base: 1 }) },
  { name: 'a CRL with a defect', policy: DENY, make: own({ number: null }), says: /proves nothing, because it has no CRL number .*, so unknownStatus=deny rejects every client/ },
  { name: 'a CRL with a defect', policy: DENY_EXPIRED, make: own({ number: null }) },
  { name: 'a CRL of one distribution point', policy: BOTH, make: pointing([{ names: [POINT] }], { scope: scope({ names: [POINT] }) }) },
  { name: 'an expired CRL of one distribution point, and a current one of another', policy: BOTH, make: pointing([{ names: [OTHER_POINT] }], { ...PAST, scope: scope({ names: [POINT] }) }, { scope: scope({ names: [OTHER_POINT] }) }) },
  { name: 'an expired CRL of one distribution point', policy: BOTH, make: pointing([{ names: [POINT] }], { ...PAST, scope: scope({ names: [POINT] }) }), says: /has expired, so expiredCrl/ },
  { name: 'an expired CRL besides a current one of a distribution point', policy: DENY_EXPIRED, make: pointing([{ names: [POINT] }], PAST, { scope: scope({ names: [POINT] }) }) },
  {
    name: 'distribution points for different reasons',
    policy: BOTH,
    make: pointing([{ names: [POINT] }, { names: [OTHER_POINT] }], { scope: scope({ names: [POINT], reasons: [1, 2, 3, 4] }) }, { scope: scope({ names: [OTHER_POINT], reasons: [5, 6, 7, 8] }) })
  },
  { name: 'CRLs of an authority and of the authorities below it', policy: BOTH, make: below([{}], [{}]) },
  { name: 'a CRL of the root about authorities', policy: BOTH, make: below([{ scope: scope({ onlyAuthority: true }) }], [{}]) },
  { name: 'a CRL of the root about clients', policy: DENY, make: below([{ scope: scope({ onlyUser: true }) }], [{}]), says: /^the CRL of CN=Test CA .* covers clients only \(onlyContainsUserCerts\), so unknownStatus=deny rejects everybody below CN=Issuing: add one that covers the others$/ },
  { name: 'a CRL of a distribution point that the intermediate does not name', policy: DENY, make: below([{ scope: scope({ names: [POINT] }) }], [{}]), says: /covers another distribution point than the certificate names, so .* everybody below CN=Issuing/ },
  { name: 'a CRL of a distribution point that the intermediate names', policy: DENY, make: below([{ scope: scope({ names: [POINT] }) }], [{}], [{ names: [POINT] }]) },
  { name: 'no CRL of the root', policy: DENY, make: below([], [{}]), says: /^no CRL of CN=Test CA is in force, so unknownStatus=deny rejects everybody below CN=Issuing: add its CRL$/ },
  { name: 'no CRL of the root, which no policy needs', policy: [...DENY, 'revocationDepth=leaf'], make: below([], [{}]) },
  { name: 'no CRL of the intermediate', policy: DENY, make: below([{}], []), says: /^no CRL of CN=Issuing is in force, so unknownStatus=deny rejects every client of CN=Issuing/ },
  { name: 'an expired CRL of the root', policy: DENY_EXPIRED, make: below([PAST], [{}]), says: /has expired, so expiredCrl=deny rejects everybody below CN=Issuing/ },
  {
    name: 'no CRL of the root, whose intermediate is an anchor',
    policy: [...BOTH, 'anchors=any'],
    make: async (site) => {
      const issuing = await createAuthority({ name: 'Issuing', issuer: site.ca })
      await writeFile(site.path('ca.pem'), issuing.certificate)
      await site.list('issuing', issuing)
      return await issuing.issue({ name: 'erin', usage: 'client' })
    }
  },
  {
    name: 'an indirect CRL of another authority under the same anchor',
    policy: BOTH,
    make: async (site) => {
      const signer = await createAuthority({ name: 'CRL signer', issuer: site.ca, keyUsage: KeyUsageFlags.cRLSign })
      await writeFile(site.path('ca.pem'), site.ca.certificate + signer.certificate)
      await site.list('indirect', signer, [], { scope: scope({ indirect: true, names: [POINT] }) })
      return await site.ca.issue({ name: 'frank', usage: 'client', extensions: [namesPoints({ names: [POINT], crlIssuer: [directoryName(subjectOf(signer.der))] })] })
    }
  },
  {
    name: 'an indirect CRL that could list its signer\'s own clients, and no other CRL of that signer',
    policy: DENY,
    make: async (site) => {
      const issuing = await createAuthority({ name: 'Issuing', issuer: site.ca })
      await writeFile(site.path('ca.pem'), site.ca.certificate + issuing.certificate)
      await site.list('indirect', issuing, [], { scope: scope({ indirect: true, names: [POINT] }) })
      return await issuing.issue({ name: 'frank', usage: 'client', extensions: [namesPoints({ names: [POINT] })] })
    },
    says: /^no CRL of CN=Test CA is in force, so unknownStatus=deny rejects everybody below CN=Issuing: add its CRL$/
  },
  {
    name: 'a CRL of another authority of the same name',
    policy: DENY,
    make: async (site) => {
      const namesake = await createAuthority({ name: 'Test CA' })
      await writeFile(site.path('ca.pem'), site.ca.certificate + namesake.certificate)
      await site.list('namesake', namesake)
      return site.alice
    },
    says: /namesake\.crl" comes from another authority of the same name, so .*: add the CRL that the issuing authority signed$/
  },
  {
    name: 'a CRL whose signer is revoked',
    policy: DENY,
    make: async (site) => {
      const signer = await createAuthority({ name: 'Test CA', issuer: site.ca })
      await writeFile(site.path('ca.pem'), site.ca.certificate + signer.certificate)
      await writeFile(site.path('revoked.txt'), '*.crl\nsigner.pem\n')
      await writeFile(site.path('signer.pem'), signer.certificate)
      await site.list('ca', signer)
      return site.alice
    },
    says: /is signed by a revoked certificate, so/
  },
  {
    name: 'a CRL whose signer has expired',
    policy: BOTH,
    make: async (site) => {
      const signer = await createAuthority({ name: 'Test CA', issuer: site.ca, notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) })
      await writeFile(site.path('ca.pem'), site.ca.certificate + signer.certificate)
      await site.list('ca', signer)
      return site.alice
    },
    says: /is signed by a certificate that has expired, so expiredCrl=deny .*: renew that certificate$/
  },
  {
    name: 'a client\'s own certificate among the authorities',
    policy: BOTH,
    make: async (site) => {
      const authority = await createAuthority({ name: 'grace' })
      const own = await authority.issue({ name: 'grace', usage: 'client', keyPair: authority.keyPair, keyUsage: null })
      await writeFile(site.path('ca.pem'), site.ca.certificate + own.certificate)
      await site.list('ca', site.ca)
      return own
    }
  }
]

for (const { name, policy, make, says } of CASES) {
  t.test(`under ${policy.join(' and ')}: ${name}`, async (t) => {
    const site = await makeCrlSite(t)
    const client = await make(site)
    const log = new LogCapture()
    const { port } = await startApp(t, site.strict(...policy), undefined, { logger: log.logger })
    const found = await warningsOf(site.strict(...policy))
    const logged = log.lines.filter(({ msg }) => msg.includes('=deny'))
    if (says === undefined) {
      t.same(found, [])
      t.same(logged, [])
      t.equal((await get(port, asClient(site, client))).status, 200)
    } else {
      t.match(found, [{ kind: 'unfit', message: says }])
      t.match(logged, [{ level: 40, msg: says }])
      t.equal(await alertSeenByNode({ port }, asClient(site, client)), 'certificate_unknown')
    }
  })
}

async function warningsOf (endpoint: string): Promise<readonly CheckWarning[]> {
  const { stdout } = await runMain(['check', '--json', endpoint])
  const warnings = (JSON.parse(stdout) as CheckReport).endpoints.flatMap(({ warnings }) => warnings)
  return warnings.filter(({ argument }) => argument === 'unknownStatus' || argument === 'expiredCrl')
}

t.test('the warning appears once after the reload that causes it, and again if the cause returns', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca)
  const log = new LogCapture()
  const { app } = await startApp(t, site.strict(...DENY), undefined, { logger: log.logger })
  const reload = async (options: CrlOptions) => { await putInForce(app, () => site.list('ca', site.ca, [], options)) }
  const said = () => log.about('unknownStatus=deny rejects every client').length
  await putInForce(app, async () => {
    await writeFile(site.path('revoked.txt'), 'other.crl\n')
    await site.list('other', site.ca, [], { number: 2, scope: scope({ onlyAuthority: true }) })
  })
  await log.line('unknownStatus=deny rejects every client')
  await putInForce(app, () => site.list('other', site.ca, [site.mallory], { number: 3, scope: scope({ onlyAuthority: true }) }))
  t.equal(said(), 1)
  await writeFile(site.path('revoked.txt'), '*.crl\n')
  await reload({ number: 4 })
  t.equal(said(), 1)
})

t.test('under expiredCrl=deny a warning says that a CRL without nextUpdate never expires', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca, [], { nextUpdate: null })
  const log = new LogCapture()
  const { port } = await startApp(t, site.strict(...BOTH), undefined, { logger: log.logger })
  const says = /^the CRL of CN=Test CA in ".*ca\.crl" has no nextUpdate, so it never expires under expiredCrl=deny: have it issued with one$/
  t.match(log.about('nextUpdate'), [{ level: 40, msg: says }])
  t.match(await warningsOf(site.strict(...BOTH)), [{ kind: 'expiry', argument: 'expiredCrl', message: says }])
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
  t.same(await warningsOf(site.strict(...DENY)), [], 'and has no effect on other policies')
})
