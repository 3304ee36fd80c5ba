import fc from 'fast-check'
import { Glob } from 'glob'
import t from 'tap'
import { LONGEST_PATTERN, MOST_ALTERNATIVES, problemOfPattern } from '../../lib/revocation/list/pattern-syntax.js'

function unclosed (opening: string, closing: string): string {
  return `a ${opening} without its ${closing}: close it, or write \\${opening} for the character itself`
}

const TOO_MANY = `its braces expand to more than ${MOST_ALTERNATIVES} patterns: use wildcards, or more lines`
const NO_COMMA = 'braces without a comma are ordinary characters: write \\{ and \\}'

const wrong: Array<[pattern: string, problem: string]> = [
  ['[a', unclosed('[', ']')],
  ['[]', unclosed('[', ']')],
  ['[!]', unclosed('[', ']')],
  ['[a/b]', unclosed('[', ']')],
  ['[[:alpha:]', unclosed('[', ']')],
  ['[a\\]', unclosed('[', ']')],
  ['{a,b', unclosed('{', '}')],
  ['a{b,{c,d}', unclosed('{', '}')],
  ['@(a', unclosed('(', ')')],
  ['!(a|+(b)', unclosed('(', ')')],
  ['{@(a,b)}', unclosed('(', ')')],
  ['@({a,b)}', unclosed('(', ')')],
  ['{a,@(b}', unclosed('(', ')')],
  ['@(a/b)', 'a / is between ( and ), which can only contain a part of one name: use braces'],
  ['a}', 'a } without its {: write \\} for a brace'],
  ['{a}', NO_COMMA],
  ['{}', NO_COMMA],
  ['{1..}', NO_COMMA],
  ['{1..b}', NO_COMMA],
  ['$' + '{a,b}', 'a { after a $ starts no braces, and variables are not expanded: write \\{ for a brace'],
  ['[{]', 'a { between [ and ] would be read as a part of braces: write \\{'],
  ['{[a,b],c}', 'a , between [ and ] would be read as a part of braces: write \\,'],
  ['*/', 'a pattern that ends with / names folders: add * to name the files in them'],
  ['a\\', 'the pattern ends with \\: write \\\\ for a backslash'],
  ['a\0b', 'the line holds a NUL character'],
  ['a'.repeat(LONGEST_PATTERN + 1), `the pattern is longer than ${LONGEST_PATTERN} characters`],
  ['{1..1001}', TOO_MANY],
  ['{1..999999999999999}', TOO_MANY],
  ['{a,b}'.repeat(10), TOO_MANY],
  ['{a,b}'.repeat(600), TOO_MANY],
  ['{x,{1..500}{1..500}}', TOO_MANY],
  ['{{1..500},{1..501}}', TOO_MANY]
]

for (const [pattern, problem] of wrong) {
  t.test(`the pattern ${JSON.stringify(pattern.slice(0, 30))} is rejected`, async (t) => t.equal(problemOfPattern(pattern), problem))
}

const right = ['*.pem', '**/*.pem', 'a?c', '[a-z]', '[!a]', '[]a]', '[[:alpha:]x]', '[\\]]', '[a,b]', '{a,b}', '{a,{b,c}}/d', '{1..9}', '{1..100..10}', '{a..e}', '{e..a}', '{1..1000}',
  '@(a|b)', '!(*.bak)', '@(a|+(b|c))', '(a)', 'a)', 'a]', '\\[a', '\\{a', '@\\(a', '\\@(a', '\\\\@(a)', '\\$\\{a', '\\$' + '{a,b}', '@({a,b})', '{@(a|b),c}', '../x/*.pem', '/etc/*.pem', 'a\\*b', 'a(b/c)']

for (const pattern of right) {
  t.test(`the pattern ${pattern} is accepted`, async (t) => t.equal(problemOfPattern(pattern), undefined))
}

t.test('glob expands no more braces than the check counts', async () => {
  const pieces = fc.constantFrom('{', '}', ',', '..', '1', '9', 'a', 'z', '-', '$', '\\', '[', ']', '@(', ')', '/', '{a,b}', '{1..9}')
  fc.assert(fc.property(fc.array(pieces, { maxLength: 16 }), (parts) => {
    const pattern = `x${parts.join('')}`
    return problemOfPattern(pattern) !== undefined || new Glob(pattern, {}).patterns.length <= MOST_ALTERNATIVES
  }), { numRuns: 5000 })
})

t.test('the check takes linear time', async (t) => {
  for (const unit of ['[', '{', '(', '@(', '\\', '{a,', '[a', '$', '@(a|', '[[:a']) {
    const start = process.cpuUsage()
    problemOfPattern(unit.repeat(LONGEST_PATTERN / unit.length))
    t.ok(process.cpuUsage(start).user < 500_000, unit)
  }
})
