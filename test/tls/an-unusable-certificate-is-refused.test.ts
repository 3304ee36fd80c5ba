import t from 'tap'
import { refuseEach } from '../support/credentials.js'
import { quoteEndpointArgument } from '../../lib/index.js'

const code = 'FST_ENDPOINT_CERTIFICATE_INVALID'

refuseEach(t, [
  {
    title: 'an empty certificate file',
    file: 'server.pem',
    content: '',
    code,
    message: /certKey ".*server\.pem": it holds no PEM block: give a PEM file with -----BEGIN CERTIFICATE-----/,
    argument: 'certKey'
  },
  {
    title: 'a certificate in DER',
    file: 'server.pem',
    content: (site) => site.server.der,
    code,
    message: /it holds no PEM block/,
    argument: 'certKey'
  },
  {
    title: 'a key in place of the certificate',
    file: 'server.pem',
    content: (site) => site.server.key,
    code,
    message: /it holds only PRIVATE KEY/,
    argument: 'certKey'
  },
  {
    title: 'a PEM block that holds no certificate',
    file: 'server.pem',
    content: 'a comment\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    code,
    message: /the certificate at line 2 cannot be parsed/,
    argument: 'certKey'
  },
  {
    title: 'a truncated PEM block',
    file: 'server.pem',
    content: (site) => site.server.certificate.slice(0, 200),
    code: 'FST_ENDPOINT_FILE_INVALID',
    message: /server\.pem"/,
    argument: 'certKey'
  },
  {
    title: 'the chain in the wrong order',
    file: 'server.pem',
    content: (site) => site.ca.certificate + site.server.certificate,
    code: 'FST_ENDPOINT_KEY_MISMATCH',
    message: /one further down in the file does: put the server certificate first/,
    argument: 'certKey'
  },
  {
    title: 'an extra chain without a certificate',
    file: 'chain.pem',
    content: 'nothing',
    extra: (site) => `:extraCertChain=${quoteEndpointArgument(site.path('chain.pem'))}`,
    code,
    message: /extraCertChain ".*chain\.pem": it holds no PEM block/,
    argument: 'extraCertChain'
  }
])
