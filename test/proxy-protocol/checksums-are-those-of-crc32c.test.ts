import t from 'tap'
import { crc32c } from '../../lib/proxy-protocol/crc32c.js'

const ascending = Uint8Array.from({ length: 32 }, (_, index) => index)

/** RFC 3720 section B.4, which lists the bytes in wire order: least significant first. */
for (const { name, bytes, checksum } of [
  { name: '32 bytes of zeros', bytes: new Uint8Array(32), checksum: 0x8a9136aa },
  { name: '32 bytes of ones', bytes: new Uint8Array(32).fill(0xff), checksum: 0x62a8ab43 },
  { name: '32 incrementing bytes', bytes: ascending, checksum: 0x46dd794e },
  { name: '32 decrementing bytes', bytes: Uint8Array.from(ascending).reverse(), checksum: 0x113fdb5c }
]) {
  t.test(`the checksum of ${name} is that of RFC 3720`, async (t) => {
    t.equal(crc32c(bytes), checksum)
    t.equal(crc32c(bytes.subarray(0, 5), bytes.subarray(5, 5), bytes.subarray(5)), checksum, 'also of its segments')
  })
}

t.test('the checksum of "123456789" is the check value of the polynomial, and the checksum of no bytes is 0', async (t) => {
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  t.equal(crc32c(), 0)
})
