import t from 'tap'
import { main } from '../../lib/cli/main.js'
import { makeCrlSite } from '../support/crl-site.js'
import { createAuthority } from '../support/pki.js'

t.test('fastify-endpoint check reads CRLs, and says which one does not count', async (t) => {
  const site = await makeCrlSite(t)
  const check = async (): Promise<{ status: number, output: string }> => {
    const lines: string[] = []
    const status = await main(['check', site.strict('unknownStatus=deny', 'expiredCrl=deny')], {}, (line) => { lines.push(line) })
    return { status, output: lines.join('\n') }
  }
  await site.list('ca', site.ca, [site.mallory])
  t.equal((await check()).status, 0)
  await site.list('other', await createAuthority({ name: 'Other' }))
  const { status, output } = await check()
  t.equal(status, 1)
  t.match(output, /other\.crl.*the CRL does not count: its issuer is none of the authorities/s)
})
