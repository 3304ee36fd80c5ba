/* eslint-disable no-control-regex */
import t from 'tap'
import { runMain, runOnTerminal, runProgram } from '../support/command-line.js'
import { hasProgram } from '../support/programs.js'

const TEXT = 'tcp:80'

t.test('on a terminal, the output has colours and symbols', async (t) => {
  if (!hasProgram(t, 'script')) return
  t.match(await runOnTerminal(['check', TEXT]), { status: 0, stdout: '\u001b[1mtcp:80\u001b[22m\r\n├─ tcp \u001b[1m0.0.0.0:80\u001b[22m (backlog 50)\r\n└─ \u001b[32m✓ good\u001b[39m\r\n' })
})

t.test('the output has no colours with NO_COLOR, with --no-color or on a dumb terminal', async (t) => {
  if (!hasProgram(t, 'script')) return
  const plain = 'tcp:80\r\n├─ tcp 0.0.0.0:80 (backlog 50)\r\n└─ ✓ good\r\n'
  t.match(await runOnTerminal(['check', TEXT], { NO_COLOR: '1' }), { stdout: plain })
  t.match(await runOnTerminal(['check', '--no-color', TEXT], { FORCE_COLOR: '1' }), { stdout: plain })
  t.match(await runOnTerminal(['check', TEXT], { TERM: 'dumb' }), { stdout: 'tcp:80\r\n  tcp 0.0.0.0:80 (backlog 50)\r\n  good\r\n' })
  t.match(await runOnTerminal(['check', TEXT], { NO_COLOR: '' }), { stdout: /\u001b/ }, 'an empty NO_COLOR has no effect')
})

t.test('without UTF-8, the output has colours but no symbols', async (t) => {
  if (!hasProgram(t, 'script')) return
  t.match(await runOnTerminal(['check', TEXT], { LANG: 'C' }), { stdout: /^\u001b\[1mtcp:80\u001b\[22m\r\n {2}tcp / })
})

t.test('without a terminal, the output has neither, unless you ask for it', async (t) => {
  const coloured = /^\u001b\[1mtcp:80\u001b\[22m\n {2}tcp /
  t.notMatch((await runProgram(['check', TEXT])).stdout, /[^\n -~]/)
  t.match(await runProgram(['check', TEXT], { FORCE_COLOR: '1' }), { stdout: coloured })
  t.match(await runProgram(['check', '--color', TEXT], { NO_COLOR: '1' }), { stdout: coloured })
  t.notMatch((await runProgram(['check', TEXT], { FORCE_COLOR: '0' })).stdout, /\u001b/)
  t.notMatch((await runProgram(['check', TEXT], { FORCE_COLOR: '1', NO_COLOR: '1' })).stdout, /\u001b/)
})

t.test('lines break between words at the width of the terminal', async (t) => {
  const { stdout } = await runMain(['check', 'tcp:80:interface=192.0.2.1'], { env: { NO_COLOR: '1', LANG: 'en_GB.UTF-8' }, terminal: { columns: 60 } })
  t.same(stdout.split('\n').slice(2, 5), [
    '│  └─ ⚠ warning: this machine has no address 192.0.2.1,',
    '│        so it cannot listen there: check interface, unless',
    '│        the string is for another machine'
  ])
})
