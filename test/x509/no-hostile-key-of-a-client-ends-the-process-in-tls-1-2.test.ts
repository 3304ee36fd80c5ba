/** See `sendHostileKeys`. */
import t from 'tap'
import { sendHostileKeys } from '../support/hostile-clients.js'

t.test('a client that OpenSSL refuses is never served, whatever keys it sends', async (t) => {
  await sendHostileKeys(t, 'TLSv1.2')
})
