import t from 'tap'
import { refuseEach } from '../support/credentials.js'
import { createAuthority } from '../support/pki.js'

refuseEach(t, [
  {
    title: 'authorities without a certificate',
    file: 'ca.pem',
    content: 'nobody\n',
    code: 'FST_ENDPOINT_CERTIFICATE_INVALID',
    message: /authorities ".*ca\.pem": it holds no PEM block/,
    argument: 'authorities'
  },
  {
    title: 'authorities without a self-signed one',
    file: 'ca.pem',
    content: async (site) => (await createAuthority({ name: 'Intermediate', issuer: site.ca })).certificate,
    code: 'FST_ENDPOINT_NO_ANCHOR',
    message: /none of its certificates is self-signed, so no client could be trusted: add the root, or write anchors=any to trust these without it/,
    argument: 'authorities'
  },
  {
    title: 'an authority that claims to have issued itself, but did not sign itself',
    file: 'ca.pem',
    content: async (site) => (await createAuthority({ name: 'Test CA', issuer: site.ca })).certificate,
    code: 'FST_ENDPOINT_NO_ANCHOR',
    message: /none of its certificates is self-signed/,
    argument: 'authorities'
  }
])
