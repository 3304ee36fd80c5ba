import t from 'tap'
import { HANDSHAKES, holdUnder } from '../support/stalling.js'

t.test('good clients are served while many clients stall when they are refused and stay connected', (t) => holdUnder(t, { who: 'mallory', most: HANDSHAKES }))
