import t from 'tap'
import { readDistributionPoints } from '../../lib/x509/distribution-point.js'
import { loadCrls, makeCrl, namesPoints, uri } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })

t.test('a certificate with too many distribution points is an error, so its client is rejected', async (t) => {
  const points = Array.from({ length: 65 }, () => ({ names: [uri('http://crl.test')] }))
  const alice = await root.issue({ name: 'alice', extensions: [namesPoints(...points)] })
  const set = await loadCrls(t, [root], [makeCrl(root)])
  t.throws(() => set.status([alice.x509]), { code: 'FST_ENDPOINT_DER_INVALID', message: /too many distribution points/ })
})

t.test('a distribution point with an unknown part is an error', (t) => {
  const bytes = element(0x30, element(0x30, element(0x85)))
  t.throws(() => readDistributionPoints(bytes, { content: 0, end: bytes.length }, ''), { code: 'FST_ENDPOINT_DER_INVALID', message: /an unknown part/ })
  t.end()
})
