import t from 'tap'
import { refusesWith } from './refusal.js'

t.test('haproxy cannot wrap another haproxy or stdio', (t) => {
  refusesWith(t, [
    ['haproxy:haproxy:tcp:80', 'CONFLICTING_ARGUMENTS',
      'haproxy: cannot wrap haproxy, since a connection has one PROXY header: remove one of them', 'haproxy:'],
    ['haproxy:stdio', 'CONFLICTING_ARGUMENTS',
      'haproxy: cannot wrap stdio, since no proxy connects to it', 'haproxy:'],
    ['haproxy:HAPROXY', 'CONFLICTING_ARGUMENTS',
      'haproxy: cannot wrap haproxy, since a connection has one PROXY header: remove one of them', 'haproxy:']
  ])
})
