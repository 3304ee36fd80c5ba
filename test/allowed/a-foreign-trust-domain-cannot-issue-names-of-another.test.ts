/** Two federated trust domains in one bundle: each rule is tied to the authority of its trust domain, as docs/allowed.md says. */
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { alternativeNames, generalName, URI } from '../support/allowed.js'
import { type AllowedSite, issueWorkload, makeAllowedSite } from '../support/allowed-site.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'
import { type Authority, createAuthority, type Issued } from '../support/pki.js'

const OWN = 'spiffe://example.org/admin'
const OTHER = 'spiffe://other.org/ns/audit/a'

const rootOf = async (domain: string): Promise<Authority> =>
  await createAuthority({ name: 'SPIFFE', extensions: [alternativeNames(generalName(URI, `spiffe://${domain}`))] })
const tie = ({ der }: Authority): string => `issuer=${identifyCertificate(der).spki}`

/** The roles of a client that sends these certificates behind its own, or why it is rejected. */
async function visit (site: AllowedSite, port: number, { certificate, key }: Issued, ...sent: Authority[]): Promise<string> {
  const chain = certificate + sent.map(({ certificate }) => certificate).join('')
  return await get(port, asClient(site, { chain, key })).then(({ status, body }) => `${status} ${body}`, (error: Error) => /alert (.*?):/.exec(error.message)?.[1] ?? error.message)
}

t.test('a workload of each trust domain is admitted, and a name that the other authority issued is not', async (t) => {
  const [own, other] = await Promise.all([rootOf('example.org'), rootOf('other.org')])
  const site = await makeAllowedSite(t, [`uri:spiffe://example.org/* ${tie(own)} role=admin`, `uri:spiffe://other.org/ns/audit/* ${tie(other)} role=auditor`], own)
  await writeFile(site.path('ca.pem'), own.certificate + other.certificate)
  const { app, port } = await startApp(t, site.allowed, (app) => { app.get('/', async ({ clientIdentity }) => clientIdentity?.roles) })
  t.equal(await visit(site, port, await issueWorkload(own, OWN)), '200 ["admin"]')
  t.equal(await visit(site, port, await issueWorkload(other, OTHER)), '200 ["auditor"]')

  const stolen = await issueWorkload(other, OWN)
  // An authority below the foreign one, with the name of ours.
  const intermediate = await createAuthority({ name: 'SPIFFE', issuer: other, extensions: [alternativeNames(generalName(URI, 'spiffe://example.org'))] })
  const ATTACKS: ReadonlyArray<readonly [what: string, client: Issued, ...sent: Authority[]]> = [
    ['a name of our trust domain under the foreign authority', stolen],
    ['with both roots sent', stolen, other, own],
    ['with our root sent first', stolen, own, other],
    ['under an intermediate of the foreign authority that calls itself ours', await issueWorkload(intermediate, OWN), intermediate],
    ['a name of the foreign trust domain under our authority', await issueWorkload(own, OTHER)],
    ['names of both trust domains', await other.issue({ name: '', usage: 'client', uris: [OWN, OTHER] })],
    ['the name of our trust domain itself', await issueWorkload(other, 'spiffe://example.org')]
  ]
  for (const [what, client, ...sent] of ATTACKS) t.equal(await visit(site, port, client, ...sent), 'access denied', what)

  t.test('without the tie, the foreign authority could issue every name', async (t) => {
    await site.allow('uri:spiffe://example.org/* role=admin', `uri:spiffe://other.org/ns/audit/* ${tie(other)} role=auditor`)
    await app.endpoint.reload()
    t.equal(await visit(site, port, stolen), '200 ["admin"]')
  })
})

t.test('while an authority is renewed, both of its keys are tied, and no client is rejected', async (t) => {
  const [own, next, other] = await Promise.all([rootOf('example.org'), rootOf('example.org'), rootOf('other.org')])
  const rule = (authority: Authority): string => `uri:spiffe://example.org/* ${tie(authority)} role=admin`
  const site = await makeAllowedSite(t, [rule(own)], own)
  await writeFile(site.path('ca.pem'), own.certificate + other.certificate)
  const { app, port } = await startApp(t, site.allowed, (app) => { app.get('/', async ({ clientIdentity }) => clientIdentity?.roles) })
  const [before, after, stolen] = await Promise.all([own, next, other].map(async (authority) => await issueWorkload(authority, OWN))) as [Issued, Issued, Issued]
  t.equal(await visit(site, port, before), '200 ["admin"]')
  await site.allow(rule(own), rule(next))
  await writeFile(site.path('ca.pem'), own.certificate + next.certificate + other.certificate)
  await app.endpoint.reload()
  for (const client of [before, after]) t.equal(await visit(site, port, client), '200 ["admin"]')
  t.equal(await visit(site, port, stolen), 'access denied')
  await site.allow(rule(next))
  await app.endpoint.reload()
  t.equal(await visit(site, port, before), 'access denied')
  t.equal(await visit(site, port, after), '200 ["admin"]')
})
