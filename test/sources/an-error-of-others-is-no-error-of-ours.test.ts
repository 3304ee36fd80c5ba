import t from 'tap'
import { errors, isCoded } from '../../lib/errors.js'

t.ok(isCoded(new errors.FST_ENDPOINT_CLOSED()))
for (const code of ['ENOENT', 'toString', 'FST_ENDPOINT_NONE', 7]) t.notOk(isCoded(Object.assign(new Error('other'), { code })), String(code))
t.notOk(isCoded({ code: 'FST_ENDPOINT_CLOSED' }), 'a value that is not an error')
t.notOk(isCoded(undefined))
