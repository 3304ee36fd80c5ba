import { PassThrough } from 'node:stream'
import { createSecureContext, TLSSocket } from 'node:tls'
import t from 'tap'
import { checkNode } from '../../lib/tls/undocumented.js'

t.test('this Node has what the gate relies on', async (t) => {
  t.doesNotThrow(() => checkNode())
})

t.test('a Node whose sockets do not tell OpenSSL\'s verdict is refused at the start', async (t) => {
  t.throws(() => checkNode(() => {
    const socket = new TLSSocket(new PassThrough() as never, { isServer: true, secureContext: createSecureContext() })
    Object.defineProperty((socket as unknown as { _handle: object })._handle, 'verifyError', { value: undefined })
    return socket
  }), { code: 'FST_ENDPOINT_UNSUPPORTED_NODE', message: new RegExp(process.version) })
})
