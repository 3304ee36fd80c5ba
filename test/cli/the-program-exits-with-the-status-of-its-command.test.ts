import t from 'tap'
import { PROGRAM, runProgram } from '../support/command-line.js'
import { run } from '../support/programs.js'

t.test('the program exits with the status of the check, and writes what it found to standard output', async (t) => {
  t.match(await runProgram(['check', 'tcp:80']), { status: 0, stdout: 'tcp:80\n  tcp 0.0.0.0:80 (backlog 50)\n  good\n', stderr: '' })
  t.match(await runProgram(['check', 'tpc:80']), { status: 1, stdout: /did you mean tcp/, stderr: '' })
  t.match(await runProgram(['check'], { ENDPOINT: 'stdio' }), { status: 0, stdout: /^stdio\n/ })
})

t.test('the program reports an error in the command line on standard error, and exits with 2', async (t) => {
  t.match(await runProgram(['check']), { status: 2, stdout: '', stderr: /^fastify-endpoint: no endpoint string to check: give one, or set ENDPOINT\nTry: fastify-endpoint help check\n$/ })
})

t.test('the program does not fail if the reader of its output stops early', async (t) => {
  const { status, stdout, stderr } = await run('sh', ['-c', `'${process.execPath}' '${PROGRAM}' help check | head -1`])
  t.match({ status, stdout, stderr }, { status: 0, stdout: 'Examples\n', stderr: '' })
})
