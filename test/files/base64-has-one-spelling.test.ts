import fc from 'fast-check'
import t from 'tap'
import { decodeBase64 } from '../../lib/x509/base64.js'

t.test('base64 that Node encodes is decoded', async () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    const buffer = Buffer.from(bytes)
    return decodeBase64(buffer.toString('base64'))?.equals(buffer) === true
  }))
})

t.test('only base64 as Node encodes it is decoded', async () => {
  const characters = fc.constantFrom(...'ABCDxyz0189+/=-_ \n\u00e9')
  fc.assert(fc.property(fc.string({ unit: characters, maxLength: 12 }), (text) => {
    const bytes = decodeBase64(text)
    return bytes === undefined || bytes.toString('base64') === text
  }), { numRuns: 5000 })
})

t.test('other spellings are refused', async (t) => {
  for (const text of ['AA', 'AA=', 'AAAA=', 'AA==\n', ' AAAA', 'AB==', 'AAB=', '__8=', '====', '=AAA']) {
    t.equal(decodeBase64(text), undefined, JSON.stringify(text))
  }
  t.same(decodeBase64(''), Buffer.alloc(0))
})
