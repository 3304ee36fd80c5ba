/** See `sendHostileKeys`. */
import t from 'tap'
import { sendHostileKeys } from '../support/hostile-clients.js'

t.test('nobody is served whom OpenSSL refuses, whatever keys a client sends', async (t) => {
  await sendHostileKeys(t, 'TLSv1.2')
})
