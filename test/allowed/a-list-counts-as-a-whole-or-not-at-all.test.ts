import t from 'tap'
import { parseAllowedList } from '../../lib/allowed/allowed-file.js'
import type { AllowedSet } from '../../lib/allowed/allowed-set.js'
import type { Rule } from '../../lib/allowed/rule.js'
import type { ErrorLocation } from '../../lib/errors.js'

const HASH = `sha256//${Buffer.alloc(32, 1).toString('base64')}`
const LOCATION = { argument: 'allowedFile', file: 'allowed.txt' }

async function read (content: string | Buffer): Promise<AllowedSet> {
  return await parseAllowedList(Buffer.from(content), 'allowed.txt', LOCATION)
}

type ListError = Error & ErrorLocation & { code: string, errors?: ListError[] }

async function errorOf (content: string | Buffer): Promise<ListError> {
  try {
    await read(content)
  } catch (thrown) {
    if (String((thrown as ListError).code).startsWith('FST_ENDPOINT_ALLOWED_')) return thrown as ListError
    throw thrown
  }
  throw new Error('nothing was refused')
}

/** Longer than what they are cut from in some rule: the address of a network, a label, a segment, a role. */
const LINES = [
  '# who may come in',
  'ip:10.0.0.0/16',
  'ip:2001:db8::/32 role=reader',
  'ip:0.0.0.0/10',
  'uri:spiffe://prod.example.org/ns/shop/sa/orders  role=reader,writer',
  'uri:spiffe://prod.example.org/ns/batch/*         role=reader',
  '',
  'dns:*.devices.example.org.uk',
  '\tdns:a.example.org\t ',
  `email:*@partner.example.com issuer=${HASH} role=partner`,
  'cn:legacy%20scanner%2017',
  '  # a comment',
  `spki:${HASH} role=admin,b`,
  `tbs:${HASH}`
]

function portrait ({ kind, value, wildcard, issuer, roles, line }: Rule): string {
  return JSON.stringify([kind, value, wildcard, issuer, roles, line])
}

for (const [name, end] of [['LF', '\n'], ['CRLF', '\r\n']] as const) {
  t.test(`each prefix of a list with ${name} is an error, or has only the rules of its complete lines`, async (t) => {
    const whole = Buffer.from(LINES.map((line) => line + end).join(''))
    const { rules } = await read(whole)
    t.equal(rules.length, 11)
    let readable = 0
    for (let length = 0; length < whole.length; length++) {
      const prefix = whole.subarray(0, length)
      const lines = prefix.toString().split('\n').length - 1
      const isEnd = length > 0 && prefix[length - 1] === 0x0a
      const expected = rules.filter(({ line }) => line <= lines)
      if (isEnd && expected.length > 0) {
        readable++
        t.same((await read(prefix)).rules.map(portrait), expected.map(portrait), `${length} bytes`)
      } else {
        const error = await errorOf(prefix)
        t.match(error, isEnd || length === 0 ? { code: 'FST_ENDPOINT_ALLOWED_INVALID' } : { code: 'FST_ENDPOINT_ALLOWED_SYNTAX', line: lines + 1 }, `${length} bytes`)
        t.equal(error.errors, undefined)
      }
    }
    t.equal(readable, LINES.length - 2, 'at each end of a line but the first, and not at the last')
  })
}

t.test('a truncated network never becomes a larger one', async (t) => {
  t.equal((await read('ip:10.0.0.0/16\n')).rules[0]?.wildcard, 16)
  for (const cut of ['ip:10.0.0.0/16', 'ip:10.0.0.0/1', 'ip:10.0.0.0/', 'ip:10.0.0.0', 'ip:10.0.0.', 'ip:0.0.0.0/1', 'ip:0.0.0.0/16\r']) {
    const { code, message, line } = await errorOf(cut)
    t.same([code, message, line], ['FST_ENDPOINT_ALLOWED_SYNTAX', 'allowed.txt line 1: the last line does not end with a line feed, so it may be incomplete: add one', 1], cut)
  }
})

t.test('a comment or white space without a final line feed counts as truncated', async (t) => {
  for (const cut of ['dns:a.example.org\n# and', 'dns:a.example.org\n#', 'dns:a.example.org\n ', 'dns:a.example.org\n\r']) {
    t.match(await errorOf(cut), { code: 'FST_ENDPOINT_ALLOWED_SYNTAX', line: 2 }, JSON.stringify(cut))
  }
})

t.test('one wrong line makes the whole list invalid, and the error names all wrong lines', async (t) => {
  const error = await errorOf('dns:a.example.org\ndns:b..example.org\n\ndns:c.example.org\nip:1\n')
  const { errors = [], ...first } = error
  t.match(first, { code: 'FST_ENDPOINT_ALLOWED_SYNTAX', line: 2, ...LOCATION })
  t.match(error.message, /^allowed\.txt line 2: a host has labels/)
  t.match(errors.map(({ message, line }) => [message, line]), [[/^allowed\.txt line 5: write an address/, 5]])
  t.equal((await errorOf('ip:1\n'.repeat(1000))).errors?.length, 19, 'no more than twenty')
})

t.test('a list without a rule is an error', async (t) => {
  for (const content of ['', '\n', '\r\n\r\n', '# dns:a.example.org\n', ' \t\n\t#\n', '\ufeff', '\ufeff\n']) {
    const error = await errorOf(content)
    t.match(error, { code: 'FST_ENDPOINT_ALLOWED_INVALID', ...LOCATION }, JSON.stringify(content))
    t.equal(error.message, 'allowed.txt: it has no rule, so no client is allowed: write at least one, or remove allowedFile')
  }
})

t.test('a list that is not UTF-8 text is an error', async (t) => {
  const text = 'dns:a.example.org\n'
  for (const [bytes, message] of [
    [Buffer.from(`\ufeff${text}`, 'utf16le'), 'it holds a NUL character: save it as UTF-8 text'],
    [Buffer.from(`${text}\0`), 'it holds a NUL character: save it as UTF-8 text'],
    [Buffer.from(`${text}cn:Zürich\n`, 'latin1'), 'it is not UTF-8 text'],
    [Buffer.concat([Buffer.from(text), Buffer.of(0xed, 0xa0, 0x80, 0x0a)]), 'it is not UTF-8 text'],
    [Buffer.from(`${text}cn:ü\n`).subarray(0, -2), 'it is not UTF-8 text']
  ] as const) {
    const error = await errorOf(bytes)
    t.match(error, { code: 'FST_ENDPOINT_ALLOWED_INVALID', ...LOCATION })
    t.equal(error.message, `allowed.txt: ${message}`)
  }
})

t.test('a byte order mark before the first line is ignored, and nothing else counts as one', async (t) => {
  t.same((await read('\ufeffdns:a.example.org\n')).rules.map(portrait), (await read('dns:a.example.org\n')).rules.map(portrait))
  t.same((await read('\ufeff# who\ndns:a.example.org\n')).rules.length, 1)
  // U+FF03 looks like a "#", and begins with the same byte as a byte order mark.
  for (const content of ['＃dns:a.example.org\n', '\ufeff\ufeffdns:a.example.org\n', 'dns:a.example.org\n\ufeffdns:b.example.org\n', '！dns:a.example.org\n']) {
    t.match(await errorOf(content), { code: 'FST_ENDPOINT_ALLOWED_SYNTAX' }, JSON.stringify(content))
  }
})

t.test('line endings of CR alone are an error', async (t) => {
  for (const content of ['dns:a.example.org\rdns:b.example.org\r', 'dns:a.example.org\rdns:b.example.org\n', 'cn:a\r\r\n', 'cn:a role=b\r\r\n']) {
    t.match(await errorOf(content), { code: 'FST_ENDPOINT_ALLOWED_SYNTAX', line: 1 }, JSON.stringify(content))
  }
})

t.test('rules have line numbers, and comments and white space are ignored', async (t) => {
  const { rules, roles } = await read(`# one\r\n\r\n \tcn:a role=x,y \t\r\n#cn:b\ncn:c#d role=y,z issuer=${HASH}\n`)
  t.match(rules, [{ value: 'a', line: 3, issuer: undefined }, { value: 'c#d', line: 5, issuer: HASH }])
  t.equal(rules.length, 2)
  t.same([...roles], ['x', 'y', 'z'])
})
