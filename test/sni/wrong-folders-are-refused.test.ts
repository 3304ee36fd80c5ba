import { mkdir, rm, writeFile } from 'node:fs/promises'
import t from 'tap'
import { loadCredentials } from '../../lib/tls/credentials.js'
import { parseEndpoint } from '../../lib/index.js'
import { LogCapture } from '../support/log.js'
import { makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { withNames, type NamesSite } from '../support/names.js'
import type { TlsEndpoint } from '../../types/endpoint.js'

const rows: Array<[name: string, spoil: (names: NamesSite, site: Site) => Promise<unknown>, code: string, message: RegExp]> = [
  ['no folder', (names) => rm(names.folder, { recursive: true }), 'FST_ENDPOINT_SNI_INVALID', /there is no such file/],
  ['an empty folder', (names) => names.remove('one.test.pem'), 'FST_ENDPOINT_SNI_INVALID', /it holds no file <host name>\.pem/],
  ['an invalid name', (names) => names.put('one.test', 'b\u00fccher.test.pem'), 'FST_ENDPOINT_SNI_INVALID', /is not named after a host: write .*xn--/],
  ['a wildcard in the middle', (names) => names.put('one.test', 'a.*.test.pem'), 'FST_ENDPOINT_SNI_INVALID', /is not named after a host/],
  ['one name twice', (names) => names.put('one.test', 'One.test.pem'), 'FST_ENDPOINT_SNI_INVALID', /two files are for one name, one\.test/],
  ['a certificate without its key', (names, { server }) => writeFile(`${names.folder}/two.test.pem`, server.chain), 'FST_ENDPOINT_KEY_INVALID', /sni ".*two\.test\.pem": it holds no PEM block with a private key/],
  ['a key without its certificate', (names, { server }) => writeFile(`${names.folder}/two.test.pem`, server.key), 'FST_ENDPOINT_CERTIFICATE_INVALID', /sni ".*two\.test\.pem": it holds only PRIVATE KEY/],
  ['a key of another certificate', (names, { server, alice }) => writeFile(`${names.folder}/two.test.pem`, server.key + alice.chain), 'FST_ENDPOINT_KEY_MISMATCH', /does not match the private key in the same file/],
  ['an empty file', (names) => writeFile(`${names.folder}/two.test.pem`, ''), 'FST_ENDPOINT_CERTIFICATE_INVALID', /it holds no PEM block/],
  ['a folder in place of a file', (names) => mkdir(`${names.folder}/two.test.pem`), 'FST_ENDPOINT_FILE_NOT_REGULAR', /is a directory/]
]

for (const [name, spoil, code, message] of rows) {
  t.test(name, async (t) => {
    const site = await makeSite(t)
    const names = await withNames(site, 'one.test')
    await spoil(names, site)
    await t.rejects(loadCredentials(parseEndpoint(names.endpoint) as TlsEndpoint), { code, message, argument: 'sni' })
  })
}

t.test('the folder may contain files for other purposes', async (t) => {
  const site = await makeSite(t)
  const names = await withNames(site, 'one.test')
  await writeFile(`${names.folder}/README.txt`, 'hello')
  await writeFile(`${names.folder}/.hidden.pem`, 'hello')
  const { names: folder } = await loadCredentials(parseEndpoint(names.endpoint) as TlsEndpoint)
  t.same([...folder?.pairs.keys() ?? []], ['one.test'])
})

t.test('the log warns of a certificate that does not cover its name', async (t) => {
  const site = await makeSite(t)
  const names = await withNames(site, 'one.test')
  await names.put('one.test', 'two.test.pem')
  const log = new LogCapture()
  await startApp(t, names.endpoint, undefined, { logger: log.logger })
  t.equal(log.about('is not for two.test: clients will reject it').length, 1)
  t.equal(log.about('is not for').length, 1)
})
