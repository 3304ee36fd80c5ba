import t from 'tap'
import { installed } from '../support/installed.js'
import { run, type Run, withoutTap } from '../support/programs.js'

const PROGRAM = `
import { parseEndpoint } from 'fastify-endpoint'
parseEndpoint('tcp:99999999')`

function runNode (args: readonly string[]): Promise<Run> {
  const [command = '', ...rest] = withoutTap([process.execPath, ...args])
  return run(command, rest, { cwd: installed(), env: { PATH: process.env['PATH'] } })
}

t.test('with --enable-source-maps a stack trace names files of lib/', async (t) => {
  const args = ['--enable-source-maps', '--input-type=module', '--eval', PROGRAM]
  const { stderr } = await runNode(args)
  t.match(stderr, /at parseEndpoint \(.*\/fastify-endpoint\/lib\/description\/parse\.ts:\d+:\d+\)/)
})

t.test('without it the trace names functions, and a file of the bundle', async (t) => {
  const { stderr } = await runNode(['--input-type=module', '--eval', PROGRAM])
  t.match(stderr, /at parseEndpoint \(.*\/fastify-endpoint\/dist\/bundle\/base\.js:\d+:\d+\)/)
})
