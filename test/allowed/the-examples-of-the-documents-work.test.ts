/** Runs the blocks of docs/allowed.md. */
import { runInThisContext } from 'node:vm'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { parseAllowedList } from '../../lib/allowed/allowed-file.js'
import { parseRule } from '../../lib/allowed/rule.js'
import { parseEndpoint } from '../../lib/index.js'
import { makeAllowedSite } from '../support/allowed-site.js'
import { readBlocks } from '../support/documents.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'
import { run } from '../support/programs.js'
import { identifyCertificate } from '../../lib/x509/identity.js'

const blocks = readBlocks().filter(({ document }) => document === 'docs/allowed.md').map(({ text }) => text)

/** The only block that contains these words. */
function blockWith (words: string): string {
  const found = blocks.filter((text) => text.includes(words))
  if (found.length !== 1) throw new Error(`${found.length} blocks of docs/allowed.md hold "${words}"`)
  return found[0] as string
}

/** Runs a block of JavaScript on an app. */
function runBlock (words: string, app: FastifyInstance): void {
  runInThisContext(`(app, remove) => {${blockWith(words)}}`)(app, async () => 'removed')
}

const list = blockWith('# kind:pattern')
const SHOP = 'spiffe://prod.example.org/ns/shop/sa/orders'

t.test('the strings in the documents name their lists', async (t) => {
  const stringIn = (words: string): string => /^ENDPOINT='(.*)'$/m.exec(blockWith(words))?.[1] ?? ''
  const string = stringIn('clients-ca.pem:revokedFile')
  t.match(parseEndpoint(stringIn('svid_key.pem')), { type: 'tls', allowedFile: 'allowed.txt', authorities: '/run/spiffe/svid_bundle.pem' })
  t.match(parseEndpoint(string), { type: 'tls', allowedFile: 'allowed.txt', revokedFile: 'revoked.txt', authorities: 'clients-ca.pem' })
})

t.test('the list in the documents is valid', async (t) => {
  const { rules, roles } = await parseAllowedList(Buffer.from(list), 'allowed.txt', { file: 'allowed.txt' })
  t.same(rules.map(({ kind }) => kind), ['uri', 'uri', 'dns', 'email', 'cn'])
  t.same([...roles], ['reader', 'writer', 'partner'])
})

t.test('the rules for several trust domains are valid', async (t) => {
  const { rules } = await parseAllowedList(Buffer.from(blockWith('spiffe://other.org/')), 'allowed.txt', { file: 'allowed.txt' })
  t.same(rules.map(({ issuer }) => issuer === undefined), [false, false])
})

t.test('the command prints the value for issuer=', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  const { stdout } = await run('sh', ['-c', blockWith('openssl x509').replace('clients-ca.pem', site.path('ca.pem'))])
  const { spki } = identifyCertificate(site.ca.x509.raw)
  t.equal(`sha256//${stdout.trim()}`, spki)
  t.equal(parseRule(`cn:alice issuer=sha256//${stdout.trim()}`, 1).issuer, spki)
})

t.test('clients of the list have the names shown and can use the routes that allow them', async (t) => {
  const site = await makeAllowedSite(t, list.trim().split('\n'))
  const orders = await site.ca.issue({ name: 'orders', usage: 'client', uris: [SHOP] })
  const { port } = await startApp(t, site.allowed, (app) => {
    runBlock('/whoami', app)
    runBlock('app.delete(', app)
  })
  const comment = blockWith('/whoami').split('\n').filter((line) => line.startsWith('//')).map((line) => line.slice(2)).join('')
  const expected = runInThisContext(`(${comment})`) as object
  t.same(JSON.parse((await get(port, asClient(site, orders), '/whoami')).body), expected)
  const scanner = await site.ca.issue({ name: 'legacy scanner 17', usage: 'client' })
  for (const [client, status] of [[orders, 200], [scanner, 403]] as const) {
    t.equal((await get(port, { ...asClient(site, client), method: 'DELETE' }, '/orders/1')).status, status)
  }
})

t.test('an injected request has the identity that the test gives it', async (t) => {
  for (const [isGiven, status] of [[true, 200], [false, 403]] as const) {
    const { app } = await startApp(t, 'tcp:0:interface=127.0.0.1', (app) => {
      if (isGiven) runBlock('Object.defineProperty(request', app)
      runBlock('app.delete(', app)
    })
    t.equal((await app.inject({ method: 'DELETE', url: '/orders/1' })).statusCode, status)
  }
})
