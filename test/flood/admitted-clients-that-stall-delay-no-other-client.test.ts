import t from 'tap'
import { CLIENTS, holdUnder } from '../support/stalling.js'

t.test('good clients are served while many clients stall when they are admitted (HTTP/1.1)', (t) => holdUnder(t, { who: 'alice', most: CLIENTS }))
