import t from 'tap'
import { quotePath } from '../../lib/text/printable.js'

t.equal(quotePath('revoked/müller.pem'), '"revoked/müller.pem"')
t.equal(quotePath('a"b\\c'), '"a\\"b\\\\c"')
t.equal(quotePath('line\nbreak'), '"line\\nbreak"')
t.equal(quotePath('terminal\u001b[2J\u009b2J'), '"terminal\\u001b[2J\\u009b2J"')
t.equal(quotePath('gpj.\u202eexe'), '"gpj.\\u202eexe"', 'a character that reverses the direction of writing')
