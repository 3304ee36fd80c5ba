import t from 'tap'
import { tokenizeEndpoint, parseEndpoint } from '../../lib/description/index.js'
import { refusal, refusalOf } from './refusal.js'

t.test('an error carries the string, the argument and the offset for programs', (t) => {
  t.match(refusal('tcp:80:backlog=x'), { code: 'FST_ENDPOINT_INVALID_ARGUMENT', statusCode: 500, endpoint: 'tcp:80:backlog=x', argument: 'backlog', index: 15 })
  t.match(refusal('tcp'), { code: 'FST_ENDPOINT_MISSING_ARGUMENT', endpoint: 'tcp', argument: 'port', index: 0 })
  t.match(refusal('tls:k:revokeFile=x'), { argument: 'revokeFile', index: 6 })
  t.match(refusal('tls:privateKey=k:transport=fd\\:x'), { endpoint: 'tls:privateKey=k:transport=fd\\:x', argument: 'transport', index: 31 })
  t.notOk('argument' in refusal('x:80'))
  t.end()
})

t.test('the offset counts UTF-16 code units, and points at the backslash of an escaped character', (t) => {
  t.equal(refusal('unix:😀:mode=8').index, 13)
  t.equal(refusal('tcp:8\\0\\x').index, 7)
  t.equal(refusal('\\t\\c\\p:\\8\\0:\\b=1').index, 12)
  t.match(refusal('unix:😀:mode=8').message, /\(character 14 of "unix:😀:mode=8"\)$/)
  t.end()
})

t.test('the tokenizer alone refuses a repeated keyword and a backslash at the end', (t) => {
  t.match(refusalOf(() => tokenizeEndpoint('x:a=1:\\a=2')), {
    code: 'FST_ENDPOINT_REPEATED_ARGUMENT',
    message: 'The argument "a" is given twice: remove one of them (character 7 of "x:a=1:\\a=2")',
    argument: 'a',
    index: 6
  })
  t.match(refusalOf(() => tokenizeEndpoint('x\\')), { code: 'FST_ENDPOINT_SYNTAX', index: 1 })
  t.end()
})

t.test('a value that is not a string is refused like a wrong string', (t) => {
  for (const [given, named] of [[undefined, 'undefined'], [null, 'null'], [80, 'number'], [['tcp:80'], 'object']]) {
    for (const call of [parseEndpoint, tokenizeEndpoint]) {
      const error = refusalOf(() => Reflect.apply(call, undefined, [given]))
      t.equal(error.code, 'FST_ENDPOINT_SYNTAX')
      t.equal(error.message, `An endpoint must be a string, not ${named} (character 1 of "")`)
    }
  }
  t.end()
})
