import fc from 'fast-check'
import t from 'tap'
import { errors } from '../../lib/errors.js'
import { readPemBlocks } from '../../lib/x509/pem.js'

const PIECES = ['-----BEGIN A-----', '-----END A-----', '-----BEGIN ', '-----END', '-----', 'AAAA', 'AA==', '\n', '\r\n', '\r', ' ', 'x: y', '\ufeff', '\0', '-', 'é', '-----begin a-----', '--end certificate', '\u2013', '\u00a0', 'MIIBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', '#']

function readOrFail (bytes: Uint8Array): boolean {
  try {
    return readPemBlocks(bytes, 'the file').every(({ text, line }) => text.length > 0 && line > 0)
  } catch (thrown) {
    if (thrown instanceof errors.FST_ENDPOINT_FILE_INVALID) return true
    throw thrown
  }
}

t.test('the reader throws only coded errors for any pieces in any order', async () => {
  fc.assert(fc.property(fc.array(fc.constantFrom(...PIECES)), (pieces) => readOrFail(Buffer.from(pieces.join('')))), { numRuns: 5000 })
})

t.test('the reader throws only coded errors for any bytes', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), readOrFail))
})

/** The least processor time of several runs, in milliseconds: a busy machine has no effect. */
function cost (bytes: Buffer): number {
  return Math.min(...Array.from({ length: 3 }, () => {
    const start = process.cpuUsage()
    readOrFail(bytes)
    return process.cpuUsage(start).user / 1000
  }))
}

const BLOCK = '-----BEGIN A-----\nAAAA\n-----END A-----\n'
for (const [name, unit] of Object.entries({
  blocks: BLOCK,
  dashes: '-',
  'boundaries without a line': '-----BEGIN',
  ends: `${BLOCK}text `,
  'lines of blanks': ' '.repeat(50),
  'line breaks': '\r\n',
  'headers without an end': '-----BEGIN A-----\nx: y\n',
  'words without a line': '-begin ',
  'words of other boundaries': '--begin other--\n',
  'blanks of all widths': '\u00a0-\u00a0end',
  'base64 without a block': `# BEGIN\nMIIB${'A'.repeat(60)}\n`,
  zeros: '\0'
})) {
  t.test(`the reader takes linear time for ${name}`, async (t) => {
    const times = (count: number): Buffer => Buffer.from(unit.repeat(Math.ceil(count / unit.length)))
    cost(times(50_000))
    const small = cost(times(100_000))
    const large = cost(times(1_600_000))
    // Sixteen times the input; a quadratic reader would take 256 times as long.
    t.ok(large < 100 * Math.max(small, 1), `${small.toFixed(2)} ms, then ${large.toFixed(2)} ms`)
  })
}
