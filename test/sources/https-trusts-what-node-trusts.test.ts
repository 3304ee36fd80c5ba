/**
 * A source over https needs a certificate under the roots of Node.js, or under those in NODE_EXTRA_CA_CERTS. No other
 * environment variable changes that, and a redirect does not leave https.
 */
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { Child } from '../support/children.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { compiled } from '../support/inherited.js'
import { asClient, get, makeSite, type Site } from '../support/mutual-tls.js'
import { startNginxSite, type NginxSite } from '../support/nginx-site.js'
import { hasNginx, type Place } from '../support/proxies.js'

interface Served {
  readonly site: Site
  readonly nginx: NginxSite
}

/** A site whose private authority certifies nginx, which serves the revocation of mallory as a certificate and as a CRL. */
async function serve (t: Test, { directives = '', address = ({ host }: Place): string => host } = {}): Promise<Served> {
  const site = await makeSite(t)
  const nginx = await startNginxSite(t, { directives, certificate: (place) => site.ca.issue({ name: 'CRLs', usage: 'server', ipAddresses: [address(place)] }) })
  await nginx.put('mallory.pem', site.mallory.certificate)
  await nginx.put('all.crl', makeCrl(site.ca, { entries: [{ serial: serialOf(site.mallory.der) }] }).der)
  return { site, nginx }
}

/** Starts an app in its own process, and returns its port or its error. */
async function start (t: Test, site: Site, line: string, env: NodeJS.ProcessEnv): Promise<{ port: number, error: string }> {
  await writeFile(site.path('revoked.txt'), `${line}\n`)
  const [command, ...args] = compiled('serve', site.endpoint()) as [string, ...string[]]
  const child = new Child(t, command, args, { env: { ...process.env, ...env, NODE_OPTIONS: '' } })
  const [, port] = await child.prints(/listening .*"port":(\d+)|code: 'FST_ENDPOINT_\w+'/)
  if (port === undefined) await child.ended
  return { port: Number(port), error: child.output }
}

t.test('NODE_EXTRA_CA_CERTS adds a private authority', async (t) => {
  if (!hasNginx(t)) return
  const { site, nginx } = await serve(t)
  const env = { NODE_EXTRA_CA_CERTS: site.path('ca.pem') }
  for (const file of ['/mallory.pem', '/all.crl']) {
    const { port } = await start(t, site, nginx.url(file), env)
    t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked', file)
    t.match(await get(port, asClient(site, site.alice)), { status: 200 })
  }
})

t.test('a server with an untrusted certificate is rejected', async (t) => {
  if (!hasNginx(t)) return
  const { site, nginx } = await serve(t)
  const { error } = await start(t, site, nginx.url('/all.crl'), { NODE_TLS_REJECT_UNAUTHORIZED: '0' })
  t.match(error, /FST_ENDPOINT_SOURCE_FAILED/)
  t.match(error, /could not be loaded: (self-signed certificate|unable to (get|verify))/)
  t.same(await nginx.untilAnswered(0), [], 'it did not even get a request')
})

t.test('a server with the certificate of another host is rejected', async (t) => {
  if (!hasNginx(t)) return
  const { site, nginx } = await serve(t, { address: () => '127.0.0.1' })
  const { error } = await start(t, site, nginx.url('/all.crl'), { NODE_EXTRA_CA_CERTS: site.path('ca.pem') })
  t.match(error, /FST_ENDPOINT_SOURCE_FAILED/)
  t.match(error, /could not be loaded: Hostname\/IP does not match/)
})

t.test('a redirect from https to http is not followed', async (t) => {
  if (!hasNginx(t)) return
  const plain = await startNginxSite(t)
  const { site, nginx } = await serve(t, { directives: `location = /away.crl { return 302 ${plain.url('/all.crl')}; }` })
  await plain.put('all.crl', makeCrl(site.ca).der)
  const { error } = await start(t, site, nginx.url('/away.crl'), { NODE_EXTRA_CA_CERTS: site.path('ca.pem') })
  t.match(error, /FST_ENDPOINT_SOURCE_FAILED/)
  t.match(error, /could not be loaded: it redirects from https to http/)
  t.same(await plain.untilAnswered(0), [])
})
