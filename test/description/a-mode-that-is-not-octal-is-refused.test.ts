import t from 'tap'
import { refusesWith } from './refusal.js'

t.test('a mode that is not an octal number up to 7777 is refused', (t) => {
  refusesWith(t, [
    ['unix:/a:8', 'INVALID_ARGUMENT',
      'unix: mode must be an octal number from 0 to 7777, not "8"', 'unix:/a:'],
    ['unix:/a:mode=10000', 'INVALID_ARGUMENT',
      'unix: mode must be an octal number from 0 to 7777, not "10000"', 'unix:/a:mode='],
    ['unix:/a:mode=0x1b0', 'INVALID_ARGUMENT',
      'unix: mode must be an octal number from 0 to 7777, not "0x1b0"', 'unix:/a:mode=0'],
    ['unix:/a:mode=0o', 'INVALID_ARGUMENT',
      'unix: mode must be an octal number from 0 to 7777, not "0o"', 'unix:/a:mode=0'],
    ['unix:/a:mode=00o660', 'INVALID_ARGUMENT',
      'unix: mode must be an octal number from 0 to 7777, not "00o660"', 'unix:/a:mode=00'],
    ['unix:/a:mode=0o_660', 'INVALID_ARGUMENT',
      'unix: mode must be an octal number from 0 to 7777, not "0o_660"', 'unix:/a:mode=0'],
    ['unix:/a:mode=-1', 'INVALID_ARGUMENT',
      'unix: mode must be an octal number from 0 to 7777, not "-1"', 'unix:/a:mode='],
    ['unix:/a:mode=rw', 'INVALID_ARGUMENT',
      'unix: mode must be an octal number from 0 to 7777, not "rw"', 'unix:/a:mode='],
    ['unix:/a:mode=', 'INVALID_ARGUMENT',
      'unix: mode must be an octal number from 0 to 7777, not ""', 'unix:/a:mode=']
  ])
})
