import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from '../support/programs.js'

t.test('the program exits with the status of the check', async (t) => {
  const program = fileURLToPath(new URL('../../dist/lib/cli/fastify-endpoint.js', import.meta.url))
  t.match(await run(process.execPath, [program, 'check', 'tcp:80']), { status: 0, stdout: 'tcp:80\n  good\n' })
  t.match(await run(process.execPath, [program, 'check', 'tpc:80']), { status: 1, stdout: /did you mean tcp/ })
})
