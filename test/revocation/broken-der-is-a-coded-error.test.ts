import fc from 'fast-check'
import t from 'tap'
import { errors } from '../../lib/errors.js'
import { readElement, unlessInvalid } from '../../lib/x509/der.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority, element } from '../support/pki.js'

const { der } = await (await createAuthority()).issue({ name: 'alice', usage: 'client' })

/** Whether the bytes have an identity or the one error. */
function isHandled (bytes: Uint8Array): boolean {
  try {
    const { tbs, serial, spki } = identifyCertificate(bytes)
    return [tbs, serial, spki].every((key) => key.includes('sha256//'))
  } catch (thrown) {
    if (thrown instanceof errors.FST_ENDPOINT_DER_INVALID) return true
    throw thrown
  }
}

t.test('any bytes give an identity or the coded error', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), isHandled), { numRuns: 2000 })
})

t.test('a certificate with any byte changed gives an identity or the coded error', async () => {
  fc.assert(fc.property(fc.nat(der.length - 1), fc.nat(255), (at, value) => {
    const changed = Buffer.from(der)
    changed[at] = value
    return isHandled(changed)
  }), { numRuns: 5000 })
})

t.test('a certificate truncated anywhere gives the coded error', async (t) => {
  for (let length = 0; length < der.length; length++) {
    t.throws(() => identifyCertificate(der.subarray(0, length)), { code: 'FST_ENDPOINT_DER_INVALID' })
  }
})

t.test('deep nesting takes linear time', async (t) => {
  t.ok(isHandled(Buffer.alloc(1_000_000, Buffer.of(0x30, 0x80))))
  t.ok(isHandled(Buffer.alloc(1_000_000, Buffer.of(0x30, 0x84, 0x00))))
})

const sequence = element(0x30)
const cases: Array<[name: string, bytes: Buffer, problem: string]> = [
  ['nothing', Buffer.alloc(0), 'it is cut short'],
  ['a tag alone', Buffer.of(0x30), 'it is cut short'],
  ['a length that goes beyond the end', Buffer.of(0x30, 5, 0), 'it is cut short'],
  ['a truncated length', Buffer.of(0x30, 0x82, 1), 'it is cut short'],
  ['an indefinite length', Buffer.of(0x30, 0x80, 0, 0), 'an indefinite length'],
  ['a very long length', Buffer.of(0x30, 0x87, 0, 0, 0, 0, 0, 0, 1), 'a length of more than six bytes'],
  ['a tag of several bytes', Buffer.of(0x3f, 0x81, 0x01, 0), 'a tag of several bytes'],
  ['something else', element(0x31, sequence), 'tag 49 where 48 belongs'],
  ['data after it', Buffer.concat([der, Buffer.of(0)]), 'extra data follows it'],
  ['data after the signature', element(0x30, der.subarray(4), sequence), 'extra data follows its signature'],
  ['a serial number without content', element(0x30, element(0x30, element(0x02)), sequence, element(0x03)), 'an INTEGER without content']
]

for (const [name, bytes, problem] of cases) {
  t.test(`the coded error reports the problem: ${name}`, async (t) => {
    t.throws(() => identifyCertificate(bytes), { code: 'FST_ENDPOINT_DER_INVALID', message: `A certificate or CRL is not valid DER: ${problem}` })
  })
}

t.test('an element must end within its surroundings', async (t) => {
  const bytes = Buffer.of(0x02, 2, 1, 1)
  t.same(readElement(bytes, 0, 4), { tag: 2, start: 0, content: 2, end: 4 })
  t.throws(() => readElement(bytes, 0, 3), { code: 'FST_ENDPOINT_DER_INVALID' })
})

t.test('an error that is not about DER is not swallowed', async (t) => {
  t.equal(unlessInvalid(() => readElement(Buffer.of(0x30), 0, 1)), undefined)
  t.throws(() => unlessInvalid(() => { throw new TypeError('a mistake of ours') }), TypeError)
})
