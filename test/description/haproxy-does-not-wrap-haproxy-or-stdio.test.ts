import t from 'tap'
import { refusesWith } from './refusal.js'

t.test('haproxy wraps no other haproxy and no stdio', (t) => {
  refusesWith(t, [
    ['haproxy:haproxy:tcp:80', 'CONFLICTING_ARGUMENTS',
      'haproxy: cannot wrap haproxy, since a connection has one PROXY header: leave one of the two out', 'haproxy:'],
    ['haproxy:stdio', 'CONFLICTING_ARGUMENTS',
      'haproxy: cannot wrap stdio, to which no proxy connects', 'haproxy:'],
    ['haproxy:HAPROXY', 'CONFLICTING_ARGUMENTS',
      'haproxy: cannot wrap haproxy, since a connection has one PROXY header: leave one of the two out', 'haproxy:']
  ])
})
