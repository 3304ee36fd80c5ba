import t from 'tap'
import { CLIENTS, holdUnder } from '../support/stalling.js'

t.test('good clients are served while many clients stall when they are admitted (HTTP/2)', (t) => holdUnder(t, { who: 'alice', alpn: 'h2', most: CLIENTS }))
