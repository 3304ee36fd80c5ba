import { PassThrough } from 'node:stream'
import { createSecureContext, TLSSocket } from 'node:tls'
import t from 'tap'
import { checkNode } from '../../lib/tls/undocumented.js'

t.test('this version of Node supports everything that the gate needs', async (t) => {
  t.doesNotThrow(() => checkNode())
})

t.test('the start fails on a Node whose sockets do not report the verdict of OpenSSL', async (t) => {
  t.throws(() => checkNode(() => {
    const socket = new TLSSocket(new PassThrough() as never, { isServer: true, secureContext: createSecureContext() })
    Object.defineProperty((socket as unknown as { _handle: object })._handle, 'verifyError', { value: undefined })
    return socket
  }), { code: 'FST_ENDPOINT_UNSUPPORTED_NODE', message: new RegExp(process.version) })
})
