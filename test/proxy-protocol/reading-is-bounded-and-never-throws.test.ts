/** Reading a header always has one of its defined outcomes and a limit, whatever arrives. */
import fc from 'fast-check'
import t from 'tap'
import { readHeader } from '../../lib/proxy-protocol/header.js'
import { FAULTS } from '../../lib/proxy-protocol/result.js'
import { binary, IPV6, line, sslVector, unixAddresses, vector, withChecksum } from '../support/proxy-headers.js'

/** No header of any version is longer: this many bytes always have an outcome. */
const BOUND = 16 + 0xffff

const HEADERS = [
  line('TCP4 192.168.0.1 192.168.0.11 56324 443'),
  line('TCP6 2001:db8::1 ::1 56324 443'),
  line('UNKNOWN'),
  binary(),
  binary({ family: 0x21, addresses: IPV6, vectors: [vector(1, 'h2'), vector(2, 'example.org'), vector(5, 'id')] }),
  binary({ family: 0x31, addresses: unixAddresses('/a', '/b') }),
  binary({ command: 0x20, family: 0, addresses: Buffer.alloc(0) }),
  binary({ vectors: [sslVector(7, 0, vector(0x21, 'TLSv1.3'), vector(0x22, 'alice'))] }),
  withChecksum(binary({ vectors: [vector(3, Buffer.alloc(4)), vector(2, 'example.org')] }))
]

function hold (bytes: Buffer): void {
  const before = Buffer.from(bytes)
  const reading = readHeader(bytes)
  if (!before.equals(bytes)) throw new Error('the bytes were changed')
  if (reading.state === 'incomplete' && bytes.length >= BOUND) throw new Error(`it still waits after ${bytes.length} bytes`)
  if (reading.state === 'wrong' && !(reading.fault in FAULTS)) throw new Error(`an unknown fault ${reading.fault}`)
  if (reading.state === 'complete') {
    if (reading.length > bytes.length || reading.length > BOUND) throw new Error(`a header of ${reading.length} bytes`)
    // The bytes after a header do not change its outcome.
    const alone = readHeader(bytes.subarray(0, reading.length))
    if (JSON.stringify(alone) !== JSON.stringify(reading)) throw new Error('it was read differently alone')
  }
  // More bytes never reverse an outcome.
  if (reading.state === 'wrong') {
    const more = readHeader(Buffer.concat([bytes, Buffer.from('\r\n')]))
    if (more.state !== 'wrong') throw new Error('more bytes made it good')
  }
}

const bytes = (maxLength: number): fc.Arbitrary<Buffer> => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

t.test('arbitrary bytes have an outcome', async (t) => {
  fc.assert(fc.property(bytes(6000), hold), { numRuns: 2000 })
  t.pass()
})

t.test('arbitrary bytes after a valid start have an outcome', async (t) => {
  const starts = [Buffer.from('PROXY '), Buffer.from('PROXY TCP4 '), Buffer.from('PROXY UNKNOWN'), binary().subarray(0, 12), binary().subarray(0, 13), binary().subarray(0, 14), binary({ family: 0 }).subarray(0, 14)]
  fc.assert(fc.property(fc.constantFrom(...starts), bytes(6000), (start, rest) => hold(Buffer.concat([start, rest]))), { numRuns: 5000 })
  t.pass()
})

t.test('arbitrary blocks with a correct length have an outcome', async (t) => {
  fc.assert(fc.property(fc.nat(0xff), fc.nat(0xff), bytes(600), (command, family, addresses) => hold(binary({ command, family, addresses }))), { numRuns: 3000 })
  fc.assert(fc.property(fc.constantFrom(0x20, 0x21), fc.constantFrom(0, 0x11, 0x21, 0x31, 0x10), fc.array(fc.tuple(fc.constantFrom(1, 2, 3, 4, 5, 0x20, 0x21, 0x30, 0xe0), bytes(20))), (command, family, vectors) => {
    hold(binary({ command, family, vectors: vectors.map(([type, value]) => vector(type, value)) }))
  }), { numRuns: 3000 })
  t.pass()
})

t.test('good headers with bytes changed, removed and inserted have an outcome', async (t) => {
  const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), remove: fc.nat(3), insert: bytes(3) })
  fc.assert(fc.property(fc.constantFrom(...HEADERS), fc.array(change, { minLength: 1, maxLength: 4 }), bytes(40), (header, changes, behind) => {
    let mutated = header
    for (const { at, remove, insert } of changes) {
      const start = Math.floor(at * mutated.length)
      mutated = Buffer.concat([mutated.subarray(0, start), insert, mutated.subarray(start + remove)])
    }
    hold(Buffer.concat([mutated, behind]))
  }), { numRuns: 10_000 })
  t.pass()
})

t.test('the checksum detects a change of any bit, except bits that hide the checksum itself', async (t) => {
  const header = HEADERS.at(-1) as Buffer
  const checksumType = 16 + 12
  for (let bit = 0; bit < header.length * 8; bit++) {
    const flipped = Buffer.from(header)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    const reading = readHeader(flipped)
    // Without a family the start of the vectors is unknown; then the addresses are ignored too.
    if (flipped[13] === 0x01) t.strictSame(reading, { state: 'complete', header: { version: 2, command: 'PROXY' }, length: header.length })
    else if (bit >> 3 !== checksumType && reading.state === 'complete') t.fail(`bit ${bit}`)
  }
})
