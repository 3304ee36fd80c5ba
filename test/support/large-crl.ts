/**
 * CRLs of any number of entries, for tests and benchmarks about size.
 *
 *     const { der, pem, serials } = makeLargeCrl(root, { count: 1_000_000, include: [serialOf(mallory.der)] })
 *
 * An entry is what most authorities write: a random serial number of 16 bytes, a date of 13 characters, and,
 * in every eighth, a reason. A million of them are 36 MB. The numbers come from a counter that is encrypted,
 * so the same arguments give the same entries, and `serials(index)` any of them again.
 */
import { createCipheriv } from 'node:crypto'
import { makeCrl, type CrlOptions, type CrlSigner, type MadeCrl } from './crl.js'

export interface LargeCrlOptions extends Omit<CrlOptions, 'entries' | 'madeEntries'> {
  count: number
  /** Serial numbers in hexadecimal, of at most 127 bytes, that are to be among them, in the middle of the list. */
  include?: readonly string[]
  /** Other seeds give other numbers. */
  seed?: number
}

export interface LargeCrl extends MadeCrl {
  /** The serial number of an entry that was not in `include`. */
  serial (index: number): Buffer
}

const SERIAL_BYTES = 16
const DATE = Buffer.from('260102030405Z')
const REASON = Buffer.from('300c300a0603551d1504030a0101', 'hex')

export function makeLargeCrl (signer: CrlSigner, { count, include = [], seed = 1, ...options }: LargeCrlOptions): LargeCrl {
  const serials = randomSerials(count, seed)
  const serial = (index: number): Buffer => serials.subarray(index * SERIAL_BYTES, (index + 1) * SERIAL_BYTES)
  const extra = include.map((hex) => Buffer.from(hex, 'hex'))
  const entries = Buffer.allocUnsafe(count * (SERIAL_BYTES + 19 + REASON.length) + extra.reduce((sum, { length }) => sum + length + 33, 0))
  let length = 0
  const add = (number: Buffer, index: number): void => {
    const reason = index % 8 === 0 ? REASON.length : 0
    entries[length++] = 0x30
    entries[length++] = 2 + number.length + 2 + DATE.length + reason
    entries[length++] = 0x02
    entries[length++] = number.length
    length += number.copy(entries, length)
    entries[length++] = 0x17
    entries[length++] = DATE.length
    length += DATE.copy(entries, length)
    if (reason > 0) length += REASON.copy(entries, length)
  }
  for (let index = 0; index < count; index++) {
    if (index === count >> 1) for (const number of extra) add(number, 0)
    add(serial(index), index)
  }
  const crl = makeCrl(signer, { ...options, madeEntries: entries.subarray(0, length) })
  return Object.assign(crl, { serial })
}

/** Positive, and without a byte in front that only repeats the sign. */
function randomSerials (count: number, seed: number): Buffer {
  const key = Buffer.alloc(16)
  key.writeUInt32BE(seed)
  const serials = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(count * SERIAL_BYTES))
  for (let at = 0; at < serials.length; at += SERIAL_BYTES) serials[at] = ((serials[at] as number) & 0x3f) | 0x40
  return serials
}
