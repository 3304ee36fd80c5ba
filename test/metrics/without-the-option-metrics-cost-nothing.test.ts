import { TLSSocket } from 'node:tls'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { startProgram } from '../support/children.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'

async function outputOf (t: Test, ...args: string[]): Promise<string[]> {
  const child = startProgram(t, 'with-metrics', args)
  t.match(await child.ended, { status: 0 }, child.output)
  return child.output.trim().split('\n')
}

t.test('prom-client is loaded only if the option is set', async (t) => {
  t.same(await outputOf(t), ['listening', 'loaded: false'])
  t.same(await outputOf(t, 'metrics'), ['listening', 'loaded: true'])
})

t.test('without prom-client, an app starts unless it sets the option, and then the error says what to install', async (t) => {
  t.same(await outputOf(t, 'missing'), ['listening', 'loaded: false'])
  t.match(await outputOf(t, 'missing', 'metrics'), [/^FST_ENDPOINT_METRICS_UNAVAILABLE .*install it beside fastify-endpoint/, 'loaded: false'])
})

t.test('without the option, no handshake is asked for its version and no load is measured', async (t) => {
  const site = await makeSite(t)
  for (const [plugin, times] of [[{}, 0], [{ metrics: new Registry() }, 1]] as const) {
    const { app, port } = await startApp(t, site.endpoint(), undefined, { plugin })
    // The client asks its own socket for no version.
    const asked: unknown[] = []
    const ticks: Array<[unknown, number]> = []
    const { getProtocol } = TLSSocket.prototype
    const { setInterval } = globalThis
    TLSSocket.prototype.getProtocol = function () {
      asked.push(this)
      return getProtocol.call(this)
    }
    globalThis.setInterval = ((...args: Parameters<typeof setInterval>) => {
      ticks.push([args[0], Number(args[1])])
      return setInterval(...args)
    }) as typeof setInterval
    try {
      await get(port, asClient(site, site.alice))
      await app.endpoint.reload()
    } finally {
      TLSSocket.prototype.getProtocol = getProtocol
      globalThis.setInterval = setInterval
    }
    t.equal(asked.length, times)
    // The looks at connections are a second apart.
    t.equal(ticks.some(([, interval]) => interval < 100), times > 0)
  }
})
