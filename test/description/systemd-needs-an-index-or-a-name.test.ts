import t from 'tap'
import { refusesWith } from './refusal.js'

t.test('systemd needs either an index or a name, and the name must be one that systemd allows', (t) => {
  refusesWith(t, [
    ['systemd:INET:index=0:name=web', 'CONFLICTING_ARGUMENTS',
      'systemd: index and name both select the descriptor: remove one of them', 'systemd:INET:index=0:'],
    ['systemd:INET:0:web', 'CONFLICTING_ARGUMENTS',
      'systemd: index and name both select the descriptor: remove one of them', 'systemd:INET:0:'],
    ['systemd:INET::a', 'INVALID_ARGUMENT',
      'systemd: index must be a decimal number from 0 to 2147483644, not ""', 'systemd:INET:'],
    ['systemd:INET:name=', 'INVALID_ARGUMENT',
      'systemd: name must be 1 to 255 printable ASCII characters other than ":", not ""', 'systemd:INET:name='],
    ['systemd:INET:name=a\\:b', 'INVALID_ARGUMENT',
      'systemd: name must be 1 to 255 printable ASCII characters other than ":", not "a:b"', 'systemd:INET:name=a']
  ])
})
