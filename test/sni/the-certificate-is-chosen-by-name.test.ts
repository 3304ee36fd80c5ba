import t from 'tap'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { withNames } from '../support/names.js'
import { serverSerial } from '../support/renewal.js'

t.test('a client gets the certificate of the name that it asks for', async (t) => {
  const site = await makeSite(t)
  const names = await withNames(site)
  const one = await names.put('one.test')
  const any = await names.put('*.example.test')
  const exact = await names.put('www.example.test')
  const { port } = await startApp(t, names.endpoint)
  const rows: Array<[name: string, expected: { x509: { serialNumber: string } }, why: string]> = [
    ['one.test', one, 'the name'],
    ['ONE.Test', one, 'whatever its case'],
    ['www.example.test', exact, 'the name itself before a wildcard'],
    ['api.example.test', any, 'a wildcard'],
    ['a.b.example.test', site.server, 'a wildcard stands for one label'],
    ['example.test', site.server, 'and not for none'],
    ['other.test', site.server, 'privateKey and certKey for other names'],
    ['', site.server, 'and for no name']
  ]
  for (const [name, expected, why] of rows) {
    t.equal(await serverSerial(port, site, name), expected.x509.serialNumber, why)
  }
})

t.test('DEFAULT.pem takes the place of privateKey and certKey for other names', async (t) => {
  const site = await makeSite(t)
  const names = await withNames(site, 'one.test')
  const other = await names.put('default.test', 'DEFAULT.pem')
  const { port } = await startApp(t, names.endpoint)
  t.equal(await serverSerial(port, site, 'unknown.test'), other.x509.serialNumber)
  t.equal(await serverSerial(port, site, ''), other.x509.serialNumber)
})
