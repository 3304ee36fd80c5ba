import { rm, writeFile } from 'node:fs/promises'
import t from 'tap'
import { parseEndpoint } from '../../lib/description/index.js'
import type { ErrorLocation } from '../../lib/errors.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { makeSite } from '../support/mutual-tls.js'

type Told = Error & ErrorLocation & { code: string, errors?: readonly Told[] }

async function allOf (text: string): Promise<Array<[code: string, argument: string | undefined]>> {
  const first = await loadCredentials(parseEndpoint(text) as TlsEndpoint).then(() => { throw new Error('nothing is wrong') }, (error: Told) => error)
  return [first, ...first.errors ?? []].map(({ code, argument }) => [code.replace('FST_ENDPOINT_', ''), argument])
}

t.test('every wrong file is reported, whatever is wrong with the others', async (t) => {
  const site = await makeSite(t)
  await rm(site.path('server.key'))
  await writeFile(site.path('ca.pem'), site.alice.certificate)
  await writeFile(site.path('dh.pem'), 'nothing\n')
  t.same(await allOf(`${site.endpoint()}:dhParameters=${site.path('dh.pem')}:extraCertChain=${site.path('gone.pem')}:sni=${site.path('gone')}`), [
    ['FILE_UNREADABLE', 'privateKey'],
    ['FILE_UNREADABLE', 'extraCertChain'],
    ['NO_ANCHOR', 'authorities'],
    ['DH_INVALID', 'dhParameters'],
    ['SNI_INVALID', 'sni']
  ])
})

t.test('a problem that all contexts share is reported once, together with the problems of the files', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('server.key'), site.alice.key)
  t.same(await allOf(`${site.endpoint()}:ciphers=NOBODY-KNOWS:sni=${site.folder}`), [['KEY_MISMATCH', 'certKey'], ['CIPHERS_INVALID', 'ciphers']])
})
