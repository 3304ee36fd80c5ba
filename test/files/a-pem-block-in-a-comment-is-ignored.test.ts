import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { readPemBlocks } from '../../lib/x509/pem.js'
import { makeSite, asClient, get, startApp } from '../support/mutual-tls.js'

const block = (label: string): string => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`
const commented = (label: string, mark = '# '): string => block(label).replace(/^(?=.)/gm, mark)
const labelsOf = (text: string): string[] => readPemBlocks(Buffer.from(text), 'a file').map(({ label }) => label)

t.test('a block in which every line begins with # is ignored, wherever it is', (t) => {
  t.same(labelsOf(commented('A')), [])
  t.same(labelsOf(commented('A', '#') + block('B') + commented('C', '  #\t') + block('D')), ['B', 'D'])
  t.same(labelsOf(`\ufeff${commented('A').replaceAll('\n', '\r\n')}${block('B')}`), ['B'])
  t.end()
})

t.test('a partly commented-out block is an error, and the advice does not suggest to restore it', (t) => {
  const { message } = t.throws(() => readPemBlocks(Buffer.from(block('A').replace('-----BEGIN', '# -----BEGIN')), 'a file'), {
    code: 'FST_ENDPOINT_FILE_INVALID', message: /line 3: an END without its BEGIN/
  }) as Error
  t.notMatch(message, 'line break')
  t.throws(() => readPemBlocks(Buffer.from(block('A').replace('-----END', '# -----END')), 'a file'), { message: /BEGIN A without its END/ })
  t.end()
})

t.test('a comment line with many BEGINs takes linear time', (t) => {
  t.same(labelsOf(`#${'-----BEGIN '.repeat(200_000)}`), [])
  t.end()
})

t.test('a commented-out authority vouches for no client, and a commented-out certificate is not revoked', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('revoked.pem'), site.alice.certificate.replace(/^(?=.)/gm, '# ') + site.mallory.certificate)
  await site.revoke('revoked.pem')
  const { port } = await startApp(t, site.endpoint())
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
  await t.rejects(get(port, asClient(site, site.mallory)))
  await writeFile(site.path('ca.pem'), site.ca.certificate.replace(/^(?=.)/gm, '# '))
  await t.rejects(startApp(t, site.endpoint()), { code: 'FST_ENDPOINT_CERTIFICATE_INVALID', message: /it holds no PEM block/ })
})
