import t from 'tap'
import { HANDSHAKES, holdUnder } from '../support/stalling.js'

// The last record of a flight of TLS 1.3 is its Finished, with 16 bytes of tag.
t.test('good clients are served while many clients stall between their certificate and their Finished', (t) => holdUnder(t, { who: 'alice', short: 16, most: HANDSHAKES }))
