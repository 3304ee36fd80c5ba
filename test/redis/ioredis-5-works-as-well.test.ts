/** The tests of what depends on ioredis most, with its other major version that is in the range of peers. */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { hasProgram, run } from '../support/programs.js'

const HOOK = new URL('../support/ioredis-5.mjs', import.meta.url).href
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

t.test('ioredis 5 is what is loaded', async (t) => {
  const program = 'import(\'ioredis\').then(({ Redis }) => { console.log(new Redis({ lazyConnect: true }).options.protocol) })'
  const [five, six] = await Promise.all([run(process.execPath, ['--import', HOOK, '--eval', program]), run(process.execPath, ['--eval', program])])
  t.notSame(five.stdout, six.stdout, 'only ioredis 6 knows of protocols')
})

for (const name of ['an-entry-is-in-force-as-soon-as-it-is-written', 'no-answer-of-redis-ends-the-process', 'a-hostile-sentinel-leads-nowhere']) {
  t.test(`with ioredis 5, ${name.replaceAll('-', ' ')}`, async (t) => {
    if (!hasProgram(t, 'redis')) return
    const { status, stdout } = await run(process.execPath, [...process.execArgv, '--import', HOOK, here(`${name}.test.ts`)])
    if (status !== 0) t.comment(stdout)
    t.equal(status, 0)
  })
}
