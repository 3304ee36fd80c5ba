import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { main } from '../../lib/cli/main.js'
import { makeSite } from '../support/mutual-tls.js'

async function check (args: string[], env: NodeJS.ProcessEnv = {}): Promise<{ status: number, output: string }> {
  const lines: string[] = []
  const status = await main(args, env, (line) => { lines.push(line) })
  return { status, output: lines.join('\n') }
}

t.test('a good string is good, with what it revokes', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  t.same(await check(['check', site.endpoint()]), { status: 0, output: `${site.endpoint()}\n  good: 1 revoked` })
})

t.test('the strings of ENDPOINT are checked, one a line', async (t) => {
  t.same(await check(['check'], { ENDPOINT: 'tcp:80\n\ntcp6:80\n' }), { status: 0, output: 'tcp:80\n  good\ntcp6:80\n  good' })
})

t.test('a mistake in the string is pointed at', async (t) => {
  const { status, output } = await check(['check', 'tcp:80:interfce=::1'])
  t.equal(status, 1)
  t.match(output, /^tcp:80:interfce=::1\n {7}\^\n {2}FST_ENDPOINT_UNKNOWN_ARGUMENT: .*interface/)
})

t.test('a file that is wrong is named', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('revoked.txt'), 'missing.pem\n')
  const { status, output } = await check(['check', site.endpoint()])
  t.equal(status, 1)
  t.match(output, /FST_ENDPOINT_[A-Z_]+: .*revoked\.txt.*line 1/)
})

t.test('a warning of the start is shown', async (t) => {
  const site = await makeSite(t)
  const { status, output } = await check(['check', `${site.endpoint()}:sslmethod=TLSv1_1_METHOD+TLSv1_2_METHOD`])
  t.equal(status, 0)
  t.match(output, /warning: sslmethod allows versions of TLS that RFC 8996 forbids/)
})

t.test('help is shown when it is asked for, and when the command line is wrong', async (t) => {
  t.match(await check(['--help']), { status: 0, output: /^Examples/ })
  t.match(await check([]), { status: 2, output: /There is no command/ })
  t.match(await check(['chek']), { status: 2, output: /There is no command chek/ })
  t.match(await check(['check']), { status: 2, output: /no string to check/ })
  t.match(await check(['check', '--colour']), { status: 2, output: /--colour/ })
})
