/* eslint-disable no-control-regex */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { runMain } from '../support/command-line.js'

t.test('help begins with examples, and goes to standard output', async (t) => {
  for (const args of [['--help'], ['-h'], ['help']]) t.match(await runMain(args), { status: 0, stdout: /^Examples\n[^]*\nCommands\n/, stderr: '' })
  for (const args of [['help', 'check'], ['check', '--help'], ['check', '-h']]) t.match(await runMain(args), { status: 0, stdout: /^Examples\n[^]*\nUsage\n {2}fastify-endpoint check /, stderr: '' })
})

t.test('no line of the help is longer than a small terminal', async (t) => {
  for (const args of [[], ['check'], ['status'], ['revoke'], ['allow']]) {
    const { stdout } = await runMain(['help', ...args])
    for (const line of stdout.split('\n')) t.ok(line.length <= 110, line)
  }
})

t.test('--version prints the version of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  t.match(await runMain(['--version']), { status: 0, stdout: `${version}\n` })
})

t.test('an error about the command line says what is wrong and what to write', async (t) => {
  t.match(await runMain([]), { status: 2, stdout: '', stderr: /no command given\nTry: fastify-endpoint --help/ })
  t.match(await runMain(['chek']), { status: 2, stderr: /unknown command chek: did you mean check\?/ })
  t.match(await runMain(['help', 'nothing']), { status: 2, stderr: /unknown command nothing: the commands are check/ })
  t.equal((await runMain(['check', '--jsn'])).stderr, 'fastify-endpoint: unknown option --jsn: did you mean --json?\nTry: fastify-endpoint help check\n')
  t.match(await runMain(['revoke', '--verbose']), { status: 2, stderr: /unknown option --verbose\n/ })
  t.match(await runMain(['revoke', '-x']), { status: 2, stderr: /unknown option -x\n/ })
  t.match(await runMain(['check', '--env']), { status: 2, stderr: /--env/ })
})

t.test('an error about the command line writes no control characters to a terminal', async (t) => {
  for (const args of [['\u001b[31m'], ['check', '--\u001b[31m'], ['help', '\u009b31m']]) t.notMatch((await runMain(args)).stderr, /[\u001b\u009b]/)
})
