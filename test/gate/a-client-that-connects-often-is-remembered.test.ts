import t from 'tap'
import type { Admission } from '../../lib/tls/verdict.js'
import { RememberedAdmissions } from '../../lib/tls/remembered-admissions.js'

const admission: Admission = { admitted: true, certificate: undefined, paths: [], deadline: Infinity, rules: 1, roles: [] }

t.test('the gate forgets the client that connected least recently', async (t) => {
  const remembered = new RememberedAdmissions(2)
  remembered.set('often', admission)
  for (const name of ['one', 'two', 'three']) {
    remembered.set(name, admission)
    t.equal(remembered.get('often'), admission)
  }
  t.equal(remembered.get('one'), undefined)
  t.equal(remembered.get('three'), admission)
})
