import t from 'tap'
import { refusesWith } from './refusal.js'

t.test('an impossible address for a unix socket is refused', (t) => {
  refusesWith(t, [
    ['unix:', 'INVALID_ARGUMENT',
      'unix: address must not be empty: give the path of the socket', 'unix:'],
    ['unix:address=', 'INVALID_ARGUMENT',
      'unix: address must not be empty: give the path of the socket', 'unix:address='],
    ['unix:\0', 'INVALID_ARGUMENT',
      'unix: address must not be empty: give the path of the socket', 'unix:'],
    ['unix:a\0b', 'INVALID_ARGUMENT',
      'unix: address must not contain "<U+0000>": no path can', 'unix:a'],
    ['unix:\0a\0b', 'INVALID_ARGUMENT',
      'unix: address must not contain "<U+0000>": no path can', 'unix:\0a'],
    ['unix:\uDC00', 'INVALID_ARGUMENT',
      'unix: address must not contain "<U+DC00>": no path can', 'unix:'],
    ['unix:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'INVALID_ARGUMENT',
      'unix: address has 108 bytes, but the path of a unix socket can have at most 107: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"…', 'unix:'],
    ['unix:éééééééééééééééééééééééééééééééééééééééééééééééééééééé', 'INVALID_ARGUMENT',
      'unix: address has 108 bytes, but the path of a unix socket can have at most 107: "éééééééééééééééééééééééééééééééééééééééééééééééééééééé"', 'unix:']
  ])
})
