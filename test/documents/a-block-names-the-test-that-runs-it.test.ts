import t from 'tap'
import { blocksOf, faultOf } from '../support/documents.js'

const FILES = new Map([
  ['test/runs.test.ts', "run('example', ['--deep', 'all'])"],
  ['test/reads.test.ts', "readFileSync('docs/page.md')"],
  ['lib/not-a-test.ts', 'example --deep all']
])
const fault = (source: string): string | undefined => faultOf(blocksOf('docs/page.md', source)[0] as never, (file) => FILES.get(file))
const page = (runs: string, command = 'example --deep all'): string => `# Page\n\n<!-- runs: ${runs} -->\n\`\`\`sh\n# Why\n${command}\n\`\`\`\n`

t.test('a test runs the block if it contains the words of each command or reads the page', async (t) => {
  t.equal(fault(page('test/runs.test.ts')), undefined)
  t.equal(fault(page('test/reads.test.ts', 'whatever it says')), undefined)
  t.equal(fault(page('test/runs.test.ts, test/reads.test.ts', 'whatever it says')), undefined)
})

t.test('any other file does not run the block', async (t) => {
  t.match(fault(page('test/gone.test.ts')), '"runs: test/gone.test.ts" is no file of test/ or .ci/')
  t.match(fault(page('lib/not-a-test.ts')), 'is no file of test/')
  t.match(fault(page('test/runs.test.ts', 'example --deep all\nother --shallow none')), 'test/runs.test.ts does not run "other --shallow none"')
})

t.test('a comment applies to the next block, or above the title to all blocks of the page', async (t) => {
  const blocks = '\n```sh\none\n```\n\n- in a list:\n\n  ~~~ini\n  two\n  ~~~\n'
  t.same(blocksOf('p', `<!-- runs: test/a -->\n\n# Page\n${blocks}`).map(({ runs, text, language }) => [language, text, ...runs]), [['sh', 'one\n', 'test/a'], ['ini', 'two\n', 'test/a']])
  t.same(blocksOf('p', `# Page\n<!-- runs: test/a, test/b -->${blocks}`).map(({ runs }) => runs), [['test/a', 'test/b'], []])
})

t.test('a comment without a block, and a block without an end, are errors that name the line', async (t) => {
  t.throws(() => blocksOf('p', '# Page\n<!-- runs: test/a -->\n\nText\n'), /^p:2: no block follows/)
  t.throws(() => blocksOf('p', '# Page\n<!-- runs: test/a -->\n'), /^p:2: no block follows/)
  t.throws(() => blocksOf('p', '# Page\n```sh\n'), /^p:2: the block has no end/)
})
