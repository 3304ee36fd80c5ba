import { createPrivateKey, X509Certificate } from 'node:crypto'
import t from 'tap'
import { readPemBlocks, type PemBlock } from '../../lib/x509/pem.js'
import { createAuthority } from '../support/pki.js'

function read (text: string): PemBlock[] {
  return readPemBlocks(Buffer.from(text), 'the file')
}

t.test('all variants of a file have the same blocks', async (t) => {
  const { certificate, der, key } = await createAuthority()
  const plain = `${key}${certificate}`
  const variants: Array<[name: string, text: string, line: number]> = [
    ['as OpenSSL writes it', plain, 1],
    ['with CRLF', plain.replaceAll('\n', '\r\n'), 1],
    ['with CR', plain.replaceAll('\n', '\r'), 1],
    ['with a byte order mark', `\ufeff${plain}`, 1],
    ['without a line break at the end', plain.trimEnd(), 1],
    ['with text around', `subject=CN = Müller\n\n${plain.replace('-----END PRIVATE KEY-----\n', '$&issuer=x: -- y\n')}\nend`, 3],
    ['indented, with blanks at the ends', plain.replace(/^.*$/gm, ' \t$& \t'), 1],
    ['with empty lines within', plain.replaceAll('\n', '\n\n'), 1],
    ['in one line of base64', plain.replace(/([A-Za-z0-9+/=])\n(?!-)/g, '$1'), 1]
  ]
  for (const [name, text, line] of variants) {
    const blocks = read(text)
    t.same(blocks.map(({ label }) => label), ['PRIVATE KEY', 'CERTIFICATE'], name)
    t.same(blocks[1]?.der, der, name)
    t.equal(blocks[0]?.line, line, name)
    t.equal(blocks[1]?.text, certificate, `${name}: written anew for OpenSSL`)
    t.ok(createPrivateKey(blocks[0]?.text ?? ''))
    t.ok(new X509Certificate(blocks[1]?.text ?? ''))
  }
})

t.test('lines are counted as an editor counts them', async (t) => {
  const block = '-----BEGIN A-----\nAAAA\n-----END A-----\n'
  const blocks = read(`one\r\ntwo\rthree\n\n${block}\n${block}`)
  t.same(blocks.map(({ line }) => line), [5, 9])
})

t.test('a part of a larger buffer is read without the rest', async (t) => {
  const text = '-----BEGIN A-----\nAAAA\n-----END A-----\n'
  const bytes = new Uint8Array(Buffer.from(`${text}${text}`)).subarray(text.length)
  t.equal(readPemBlocks(bytes, 'the file').length, 1)
})

t.test('a file without blocks gives an empty list', async (t) => {
  t.same(read(''), [])
  t.same(read('---- BEGIN SSH2 PUBLIC KEY ----\nhello -----\n'), [])
})
