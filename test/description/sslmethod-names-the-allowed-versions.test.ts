import { constants } from 'node:crypto'
import t from 'tap'
import { allowedVersions, parseEndpoint } from '../../lib/description/index.js'
import type { SslMethod, TlsVersion } from '../../types/endpoint.js'

function methodOf (sslmethod: string): SslMethod {
  const endpoint = parseEndpoint(`ssl:443:sslmethod=${sslmethod}`)
  if (endpoint.type !== 'ssl') throw new Error('unreachable')
  return endpoint.sslmethod
}

t.test('METHOD names allow exactly the union of their versions, and exclusions take precedence', (t) => {
  const rows: Array<[text: string, versions: TlsVersion[], allowed: TlsVersion[]]> = [
    ['TLS_METHOD', ['TLSv1.2', 'TLSv1.3'], ['TLSv1.2', 'TLSv1.3']],
    ['SSLv23_METHOD', ['TLSv1.2', 'TLSv1.3'], ['TLSv1.2', 'TLSv1.3']],
    ['OP_ALL', ['TLSv1.2', 'TLSv1.3'], ['TLSv1.2', 'TLSv1.3']],
    ['TLSv1_METHOD', ['TLSv1'], ['TLSv1']],
    ['TLSv1_1_METHOD', ['TLSv1.1'], ['TLSv1.1']],
    ['TLSv1_2_METHOD', ['TLSv1.2'], ['TLSv1.2']],
    ['TLSv1_3_METHOD', ['TLSv1.3'], ['TLSv1.3']],
    ['TLSv1_2_METHOD+TLSv1_1_METHOD', ['TLSv1.1', 'TLSv1.2'], ['TLSv1.1', 'TLSv1.2']],
    ['TLSv1_3_METHOD+TLSv1_METHOD', ['TLSv1', 'TLSv1.3'], ['TLSv1', 'TLSv1.3']],
    ['TLS_METHOD+TLSv1_1_METHOD', ['TLSv1.1', 'TLSv1.2', 'TLSv1.3'], ['TLSv1.1', 'TLSv1.2', 'TLSv1.3']],
    ['OP_NO_TLSv1_2', ['TLSv1.2', 'TLSv1.3'], ['TLSv1.3']],
    ['SSL_OP_NO_TLSv1_3', ['TLSv1.2', 'TLSv1.3'], ['TLSv1.2']],
    ['OP_NO_TLSv1+OP_NO_TLSv1_1', ['TLSv1.2', 'TLSv1.3'], ['TLSv1.2', 'TLSv1.3']],
    ['TLSv1_METHOD+TLSv1_1_METHOD+TLSv1_2_METHOD+OP_NO_TLSv1_1', ['TLSv1', 'TLSv1.1', 'TLSv1.2'], ['TLSv1', 'TLSv1.2']],
    ['OP_NO_TLSv1+TLSv1_METHOD+TLSv1_2_METHOD', ['TLSv1', 'TLSv1.2'], ['TLSv1.2']]
  ]
  for (const [text, versions, allowed] of rows) {
    const method = methodOf(text)
    t.strictSame(method.versions, versions, text)
    t.strictSame(allowedVersions(method), allowed, text)
  }
  t.end()
})

t.test('options have the names that OpenSSL uses, each once', (t) => {
  t.strictSame(methodOf('OP_NO_TICKET+SSL_OP_NO_TICKET+OP_ALL+OP_NO_TICKET').options, ['SSL_OP_NO_TICKET', 'SSL_OP_ALL'])
  t.strictSame(methodOf('TLSv1_2_METHOD+OP_NO_RENEGOTIATION+TLSv1_2_METHOD'), { versions: ['TLSv1.2'], options: ['SSL_OP_NO_RENEGOTIATION'] })
  t.end()
})

t.test('every option that Node knows is accepted', (t) => {
  const known = Object.keys(constants).filter((name) => name.startsWith('SSL_OP_') && !name.startsWith('SSL_OP_NO_TLSv1'))
  for (const name of known) t.strictSame(methodOf(`${name}+${name.slice('SSL_'.length)}`).options, [name], name)
  t.ok(known.length > 15)
  t.end()
})

t.test('the options of pyOpenSSL that OpenSSL no longer knows are accepted', (t) => {
  for (const name of [
    'EPHEMERAL_RSA', 'MICROSOFT_BIG_SSLV3_BUFFER', 'MICROSOFT_SESS_ID_BUG', 'MSIE_SSLV2_RSA_PADDING', 'NETSCAPE_CA_DN_BUG',
    'NETSCAPE_CHALLENGE_BUG', 'NETSCAPE_DEMO_CIPHER_CHANGE_BUG', 'NETSCAPE_REUSE_CIPHER_CHANGE_BUG', 'PKCS1_CHECK_1',
    'PKCS1_CHECK_2', 'SINGLE_DH_USE', 'SINGLE_ECDH_USE', 'SSLEAY_080_CLIENT_DH_BUG', 'SSLREF2_REUSE_CERT_TYPE_BUG',
    'TLS_BLOCK_PADDING_BUG', 'TLS_D5_BUG', 'IGNORE_UNEXPECTED_EOF'
  ]) {
    t.strictSame(methodOf(`OP_${name}`).options, [`SSL_OP_${name}`], name)
  }
  t.end()
})
