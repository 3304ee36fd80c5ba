import { chmod } from 'node:fs/promises'
import t from 'tap'
import type { CheckReport, CheckWarning } from '../../types/command-line.js'
import { runMain } from '../support/command-line.js'
import { makeSite } from '../support/mutual-tls.js'

t.test('check warns of an endpoint that requests no certificate beside one that requires it', async (t) => {
  const site = await makeSite(t)
  await chmod(site.path('server.key'), 0o600)
  const warningsOf = async (...strings: string[]): Promise<Array<readonly CheckWarning[]>> =>
    (JSON.parse((await runMain(['check', '--json', ...strings])).stdout) as CheckReport).endpoints.map(({ warnings }) => warnings)
  const demanding = site.endpoint()
  const warning = { kind: 'exposed', message: /no certificate here, but another string requires one.*onRequest hook.*docs\/operating\.md/ }
  for (const open of ['tcp:0', 'tcp:0:interface=127.0.0.1', 'haproxy:tcp:0', 'stdio', site.endpoint('')]) {
    t.match(await warningsOf(open, demanding), [[warning], []], open)
    t.same(await warningsOf(open, `${demanding}:verify=optional`), [[], []], open)
  }
  t.match(await warningsOf(demanding, 'tcp:0'), [[], [warning]])
  t.same(await warningsOf('tcp:0'), [[]])
  const { status, stdout } = await runMain(['check', 'tcp:0', demanding])
  t.equal(status, 0)
  t.match(stdout, /warning: clients need no certificate here[^]*good, 1 warning\n/)
  t.equal((await runMain(['check', '--strict', 'tcp:0', demanding])).status, 1)
})
