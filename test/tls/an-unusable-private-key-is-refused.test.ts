import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { refuseEach } from '../support/credentials.js'

const encrypted = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' },
  publicKeyEncoding: { type: 'spki', format: 'pem' }
}).privateKey
const legacy = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' },
  publicKeyEncoding: { type: 'spki', format: 'pem' }
}).privateKey

refuseEach(t, [
  {
    title: 'an empty private key',
    file: 'server.key',
    content: '',
    code: 'FST_ENDPOINT_KEY_INVALID',
    message: /server\.key": it holds no PEM block with a private key/,
    argument: 'privateKey'
  },
  {
    title: 'garbage for a private key',
    file: 'server.key',
    content: Buffer.from([0, 1, 2, 3, 255]),
    code: 'FST_ENDPOINT_KEY_INVALID',
    message: /server\.key": it holds no PEM block with a private key/,
    argument: 'privateKey'
  },
  {
    title: 'a PEM block that holds no key',
    file: 'server.key',
    content: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
    code: 'FST_ENDPOINT_KEY_INVALID',
    message: /server\.key": the private key cannot be parsed/,
    argument: 'privateKey'
  },
  {
    title: 'a certificate in place of the key',
    file: 'server.key',
    content: (site) => site.server.certificate,
    code: 'FST_ENDPOINT_KEY_INVALID',
    message: /no PEM block with a private key/,
    argument: 'privateKey'
  },
  {
    title: 'the key of another certificate',
    file: 'server.key',
    content: (site) => site.alice.key,
    code: 'FST_ENDPOINT_KEY_MISMATCH',
    message: /server\.pem": the first certificate does not match privateKey ".*server\.key"/,
    argument: 'certKey'
  },
  {
    title: 'a key with a passphrase and no file for it',
    file: 'server.key',
    content: encrypted,
    code: 'FST_ENDPOINT_KEY_INVALID',
    message: /protected by a passphrase: name the file that holds it with privateKeyPassphraseFile=/,
    argument: 'privateKey'
  },
  {
    title: 'a key in the old encrypted format and no passphrase for it',
    file: 'server.key',
    content: legacy,
    code: 'FST_ENDPOINT_KEY_INVALID',
    message: /protected by a passphrase/,
    argument: 'privateKey'
  }
])
