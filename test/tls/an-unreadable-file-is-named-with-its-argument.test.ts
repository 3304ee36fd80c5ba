import t from 'tap'
import { parseEndpoint, quoteEndpointArgument } from '../../lib/index.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { makeSite } from '../support/mutual-tls.js'

const ARGUMENTS = ['privateKey', 'certKey', 'privateKeyPassphraseFile', 'extraCertChain', 'dhParameters', 'authorities']

for (const argument of ARGUMENTS) {
  t.test(`the error names a missing file and its argument: ${argument}`, async (t) => {
    const site = await makeSite(t)
    const file = site.path('missing.pem')
    const named = quoteEndpointArgument(file)
    const text = ['privateKey', 'certKey'].includes(argument)
      ? site.endpoint('').replace(new RegExp(`:${argument}=[^:]*`), `:${argument}=${named}`)
      : site.endpoint(`:${argument}=${named}`)
    await t.rejects(load(text), { code: 'FST_ENDPOINT_FILE_UNREADABLE', argument, file, message: new RegExp(`^${argument} ".*missing\\.pem" cannot be read`) })
  })

  t.test(`the error names a folder in place of a file, and its argument: ${argument}`, async (t) => {
    const site = await makeSite(t)
    const named = quoteEndpointArgument(site.folder)
    const text = ['privateKey', 'certKey'].includes(argument)
      ? site.endpoint('').replace(new RegExp(`:${argument}=[^:]*`), `:${argument}=${named}`)
      : site.endpoint(`:${argument}=${named}`)
    await t.rejects(load(text), { code: 'FST_ENDPOINT_FILE_NOT_REGULAR', argument, file: site.folder })
  })
}

function load (text: string): Promise<unknown> {
  return loadCredentials(parseEndpoint(text) as TlsEndpoint)
}
