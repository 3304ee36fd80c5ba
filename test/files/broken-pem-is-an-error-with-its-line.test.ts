import { constants } from 'node:buffer'
import t from 'tap'
import { readPemBlocks } from '../../lib/x509/pem.js'

const BLOCK = '-----BEGIN A-----\nAAAA\n-----END A-----\n'
const PADDING = 'the base64 of its block is cut short or wrongly padded'

const cases: Array<[name: string, text: string, line: number, problem: string]> = [
  ['BEGIN without END', `${BLOCK}-----BEGIN CERTIFICATE-----\nAAAA\n`, 4, 'BEGIN CERTIFICATE without its END'],
  ['BEGIN after BEGIN', `-----BEGIN A-----\nAAAA\n${BLOCK}`, 1, 'BEGIN A without its END'],
  ['END without BEGIN', `AAAA\n-----END A-----\n${BLOCK}`, 2, 'an END without its BEGIN'],
  ['END after END', `${BLOCK}-----END A-----\n`, 4, 'an END without its BEGIN'],
  ['END of something else', '-----BEGIN A-----\nAAAA\n-----END B-----\n', 3, 'END B closes BEGIN A'],
  ['a character that is not base64', '-----BEGIN A-----\r\nAAAA\r\nAA*A\r\n-----END A-----\r\n', 3, 'a character that is not base64'],
  ['the other alphabet', '-----BEGIN A-----\nAA-_\n-----END A-----\n', 2, 'a character that is not base64'],
  ['a no-break space', '-----BEGIN A-----\nAAAA\u00a0\n-----END A-----\n', 2, 'a character that is not base64'],
  ['base64 that is cut short', '-----BEGIN A-----\nAAA\n-----END A-----\n', 1, PADDING],
  ['padding in the middle', '-----BEGIN A-----\nAA==\nAAAA\n-----END A-----\n', 1, PADDING],
  ['too much padding', '-----BEGIN A-----\nA===\n-----END A-----\n', 1, PADDING],
  ['unused bits', '-----BEGIN A-----\nAB==\n-----END A-----\n', 1, PADDING],
  ['an empty block', '\n-----BEGIN A-----\n\n-----END A-----\n', 2, 'its block is empty'],
  ['text before BEGIN', 'key: -----BEGIN A-----\nAAAA\n-----END A-----\n', 1, 'BEGIN must be at the start of its line: put a line break before it'],
  ['text before END', '-----BEGIN A-----\nAAAA-----END A-----\n', 2, 'END must be at the start of its line: put a line break before it'],
  ['files joined without a line break', `${BLOCK.trimEnd()}${BLOCK}`, 3, 'its END line is not -----END <label>-----, and nothing else'],
  ['too few dashes', '-----BEGIN A----\nAAAA\n-----END A-----\n', 1, 'its BEGIN line is not -----BEGIN <label>-----, and nothing else'],
  ['no label', '-----BEGIN -----\nAAAA\n-----END -----\n', 1, 'its BEGIN line is not -----BEGIN <label>-----, and nothing else'],
  ['no blank', '-----BEGINA-----\nAAAA\n-----ENDA-----\n', 1, 'its BEGIN line is not -----BEGIN <label>-----, and nothing else'],
  ['a label with a control character', '-----BEGIN \u001b[2J-----\nAAAA\n-----END A-----\n', 1, 'its BEGIN line is not -----BEGIN <label>-----, and nothing else'],
  ['a very long label', `-----BEGIN ${'A'.repeat(65)}-----\nAAAA\n-----END A-----\n`, 1, 'its BEGIN line is not -----BEGIN <label>-----, and nothing else']
]

for (const [name, text, line, problem] of cases) {
  t.test(name, async (t) => {
    t.throws(() => readPemBlocks(Buffer.from(text), 'certKey "x"', { file: 'x', argument: 'certKey' }), {
      code: 'FST_ENDPOINT_FILE_INVALID', message: `certKey "x": line ${line}: ${problem}`, file: 'x', argument: 'certKey', line
    })
  })
}

t.test('the error names UTF-16, with and without a byte order mark, in both byte orders', async (t) => {
  const bytes = Buffer.from(`\ufeff${BLOCK}`, 'utf16le')
  for (const variant of [bytes, Buffer.from(bytes).swap16(), bytes.subarray(2), Buffer.from(bytes.subarray(2)).swap16()]) {
    t.throws(() => readPemBlocks(variant, 'the file'), { message: 'the file: it is UTF-16 text: save it as UTF-8' })
  }
})

t.test('a file that is too large for a string is refused', async (t) => {
  // Zeros, for which the system allocates no memory.
  const bytes = Buffer.alloc(constants.MAX_STRING_LENGTH + 1)
  t.throws(() => readPemBlocks(bytes, 'the file'), { message: 'the file: it is too large for PEM' })
})

t.test('an error message never contains the content of the file', async (t) => {
  t.throws(() => readPemBlocks(Buffer.from('-----BEGIN PRIVATE KEY-----\nSECRETsecret*\n-----END PRIVATE KEY-----'), 'the file'), { message: /^(?!.*SECRET)/i })
})
