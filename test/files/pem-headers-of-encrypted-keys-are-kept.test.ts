import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { readPemBlocks } from '../../lib/x509/pem.js'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'secret' }).toString()

t.test('OpenSSL can read an encrypted key with headers (RFC 1421)', async (t) => {
  for (const text of [pem, pem.replaceAll('\n', '\r\n'), `text\n${pem}`]) {
    const [block] = readPemBlocks(Buffer.from(text), 'the file')
    t.match(block, { label: 'RSA PRIVATE KEY', hasHeaders: true })
    t.match(block?.text, /Proc-Type: 4,ENCRYPTED/)
    t.ok(createPrivateKey({ key: block?.text ?? '', passphrase: 'secret' }))
  }
})

t.test('an encrypted block is returned unchanged', async (t) => {
  const [block] = readPemBlocks(Buffer.from(pem), 'the file')
  const base64 = pem.split('\n\n')[1]?.split('-----')[0] ?? ''
  t.same(block?.der, Buffer.from(base64, 'base64'))
})

t.test('a key without headers gives no headers', async (t) => {
  const plain = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  t.match(readPemBlocks(Buffer.from(plain), 'the file'), [{ hasHeaders: false }])
})

t.test('headers that do not end are an error', async (t) => {
  const text = '-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n-----END A-----\n'
  t.throws(() => readPemBlocks(Buffer.from(text), 'the file'), {
    code: 'FST_ENDPOINT_FILE_INVALID', message: 'the file: line 1: the headers of its block are not followed by an empty line', line: 1
  })
})

t.test('a line that contains only blanks ends the headers', async (t) => {
  const [block] = readPemBlocks(Buffer.from('-----BEGIN A-----\nX: y\n folded\n \t\nAAAA\n-----END A-----\n'), 'the file')
  t.same(block?.der, Buffer.alloc(3))
})
