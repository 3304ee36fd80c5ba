import fc from 'fast-check'
import t from 'tap'
import { quoteEndpointArgument as quote, tokenizeEndpoint } from '../../lib/description/index.js'

// Any UTF-16, with lone surrogates and with many of the special characters of the grammar.
const anything = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom('\\', ':', '=', 'a', '\0', '\n', '\uD83D', '\uDE00', '😀')).map((parts) => parts.join('')),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '0', '')
)

t.test('a quoted text is read unchanged as a positional argument', (t) => {
  fc.assert(fc.property(fc.array(anything, { minLength: 1 }), (texts) => {
    t.strictSame(tokenizeEndpoint(texts.map(quote).join(':')), { positional: texts, keyword: new Map() })
  }), { numRuns: 1000 })
  t.end()
})

t.test('quoted texts are read unchanged as a keyword and its value', (t) => {
  fc.assert(fc.property(fc.uniqueArray(fc.tuple(anything, anything), { minLength: 1, selector: ([key]) => key }), (pairs) => {
    const text = pairs.map(([key, value]) => `${quote(key)}=${quote(value)}`).join(':')
    t.strictSame(tokenizeEndpoint(text), { positional: [], keyword: new Map(pairs) })
  }), { numRuns: 1000 })
  t.end()
})

t.test('keys with a meaning in JavaScript are ordinary keys', (t) => {
  const { keyword } = tokenizeEndpoint('x:__proto__=a:constructor=b:toString=c:0=d')
  t.strictSame([...keyword], [['__proto__', 'a'], ['constructor', 'b'], ['toString', 'c'], ['0', 'd']])
  t.end()
})
