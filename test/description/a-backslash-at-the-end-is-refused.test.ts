import t from 'tap'
import { refusesWith } from './refusal.js'

t.test('a backslash at the end escapes nothing and is refused', (t) => {
  refusesWith(t, [
    ['\\', 'SYNTAX',
      'A "\\" at the end has nothing to escape: write "\\\\" for a backslash', ''],
    ['x:\\', 'SYNTAX',
      'A "\\" at the end has nothing to escape: write "\\\\" for a backslash', 'x:'],
    ['tcp:80:interface=a\\\\\\', 'SYNTAX',
      'A "\\" at the end has nothing to escape: write "\\\\" for a backslash', 'tcp:80:interface=a\\\\']
  ])
})
