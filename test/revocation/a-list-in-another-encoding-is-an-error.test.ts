import t from 'tap'
import { parseList } from '../../lib/revocation/list/list-file.js'

t.test('UTF-16 is recognized in both byte orders, with and without a byte order mark', async (t) => {
  const bytes = Buffer.from('\ufeff*.pem\n', 'utf16le')
  for (const variant of [bytes, Buffer.from(bytes).swap16(), bytes.subarray(2), Buffer.from(bytes.subarray(2)).swap16()]) {
    t.throws(() => parseList(variant, 'the list', { file: 'list.txt' }), {
      code: 'FST_ENDPOINT_LIST_ENCODING', message: 'the list: it is UTF-16 text: save it as UTF-8', file: 'list.txt'
    })
  }
})

t.test('bytes that are not UTF-8 are reported with their line', async (t) => {
  const bytes = Buffer.from('gut.pem\nm\u00fcller.pem', 'latin1')
  t.throws(() => parseList(bytes, 'the list', { file: 'list.txt' }), {
    code: 'FST_ENDPOINT_LIST_ENCODING', message: 'the list line 2: it is not UTF-8', file: 'list.txt', line: 2
  })
  t.throws(() => parseList(Buffer.concat([bytes, Buffer.from('\n')]), 'the list'), { code: 'FST_ENDPOINT_LIST_ENCODING', line: 2 })
})

t.test('a list in UTF-8 is accepted', async (t) => {
  t.match(parseList(Buffer.from('müller.pem'), 'the list'), { entries: [{ value: 'müller.pem' }], problems: [] })
})
