import t from 'tap'
import { parseList } from '../../lib/revocation/list/list-file.js'

const HASH = `sha256//${Buffer.alloc(32, 1).toString('base64')}`

function entriesOf (text: string): object[] {
  const { entries, problems } = parseList(Buffer.from(text), 'the list')
  t.same(problems, [])
  return entries
}

t.test('patterns and keys keep their line numbers', async (t) => {
  t.same(entriesOf(`# stolen\n\n*.pem\ntbs:${HASH}\nserial:0A@${HASH}\nspki:${HASH}\n`), [
    { kind: 'pattern', value: '*.pem', line: 3 },
    { kind: 'tbs', value: HASH, line: 4 },
    { kind: 'serial', value: `a@${HASH}`, line: 5 },
    { kind: 'spki', value: HASH, line: 6 }
  ])
})

t.test('CRLF, CR, a byte order mark and a missing final line break are accepted', async (t) => {
  const expected = [{ kind: 'pattern', value: 'a', line: 1 }, { kind: 'pattern', value: 'b', line: 3 }]
  for (const text of ['a\r\n\r\nb\r\n', 'a\r\rb\r', '\ufeffa\n\nb', 'a\n#\nb\n']) t.same(entriesOf(text), expected)
})

t.test('white space at both ends of a line is ignored', async (t) => {
  t.same(entriesOf(' \t*.pem \t\n   # comment\n \t \n'), [{ kind: 'pattern', value: '*.pem', line: 1 }])
})

t.test('spaces and a # within a pattern are kept', async (t) => {
  t.same(entriesOf('my files/#1.pem'), [{ kind: 'pattern', value: 'my files/#1.pem', line: 1 }])
})

t.test('serial numbers are normalised', async (t) => {
  for (const [written, value] of [['4a01', '4a01'], ['4A:01', '4a01'], ['00:00:4a:01', '4a01'], ['-0A', '-a'], ['0', '0'], ['00', '0'], ['-00', '0'], ['0000', '0']]) {
    t.match(entriesOf(`serial:${written}@${HASH}`), [{ value: `${value}@${HASH}` }])
  }
})

t.test('a path with a colon is written with ./ before it', async (t) => {
  t.match(entriesOf('./word:x.pem\n1:x.pem\n/a:b'), [{ kind: 'pattern' }, { kind: 'pattern' }, { kind: 'pattern' }])
})

t.test('a list may be empty', async (t) => {
  t.same(entriesOf(''), [])
})
