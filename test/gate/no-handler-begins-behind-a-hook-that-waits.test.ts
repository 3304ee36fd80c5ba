/**
 * A hook of the app, wherever it is registered, holds a request until its client is revoked and cut off. Fastify then
 * continues with the request; the handler must not start.
 */
import type { ConnectionOptions } from 'node:tls'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { HeldHook } from '../support/held-hook.js'
import { ask2, openSession } from '../support/http2-client.js'
import { asClient, connectTls, makeSite, putInForce, type Site } from '../support/mutual-tls.js'
import { whileItLives } from '../support/short-lived.js'
import { PATIENCE, until } from '../support/until.js'

interface App {
  readonly app: FastifyInstance
  readonly held: HeldHook
  /** The handler of POST /pay. */
  readonly pay: () => Promise<string>
  /** Registers the plugin. */
  readonly register: () => Promise<void>
  readonly registerInChild: () => Promise<void>
}

/** Where an app may have a hook that waits, and where its route. */
const PLACES: Record<string, (given: App) => Promise<void>> = {
  'a preHandler of the app behind the plugin': async ({ app, held, pay, register }) => {
    await register()
    app.addHook('preHandler', held.wait)
    app.post('/pay', pay)
  },
  'a preHandler of the app before the plugin': async ({ app, held, pay, register }) => {
    app.addHook('preHandler', held.wait)
    await register()
    app.post('/pay', pay)
  },
  'an onRequest hook': async ({ app, held, pay, register }) => {
    await register()
    app.addHook('onRequest', held.wait)
    app.post('/pay', pay)
  },
  'a preHandler of the route, the last of several': async ({ app, held, pay, register }) => {
    await register()
    app.post('/pay', { preHandler: [async () => {}, held.wait] }, pay)
  },
  'a preHandler of a route that was declared before the plugin': async ({ app, held, pay, register }) => {
    app.post('/pay', { preHandler: held.wait }, pay)
    await register()
  },
  'a preHandler of a child that was declared before the plugin': async ({ app, held, pay, register }) => {
    app.register(async (child) => {
      child.addHook('preHandler', held.wait)
      child.post('/pay', pay)
    })
    await register()
  },
  'a preHandler of a child of a child': async ({ app, held, pay, register }) => {
    await register()
    app.register(async (child) => {
      child.addHook('preHandler', held.wait)
      child.register(async (grandchild) => { grandchild.route({ method: ['POST', 'PUT'], url: '/', handler: pay }) }, { prefix: '/pay' })
    })
  },
  'a hook that another plugin puts on the route': async ({ app, held, pay, register }) => {
    await register()
    app.addHook('onRoute', (route) => { route.preHandler = held.wait })
    app.post('/pay', pay)
  },
  'a handler that another plugin puts around the one of the route': async ({ app, held, pay, register }) => {
    await register()
    app.addHook('onRoute', (route) => {
      const { handler } = route
      route.handler = async function (request, reply) {
        await held.wait()
        return handler.call(this, request, reply)
      }
    })
    app.post('/pay', pay)
  },
  'a preHandler, with a handler that another plugin puts in the place of the one of the route': async ({ app, held, pay, register }) => {
    await register()
    app.addHook('onRoute', (route) => { route.handler = pay })
    app.post('/pay', { preHandler: held.wait }, async () => 'replaced')
  },
  'a preHandler of a route beside the scope of the plugin': async ({ app, held, pay, registerInChild }) => {
    await registerInChild()
    app.post('/pay', { preHandler: held.wait }, pay)
  },
  'a preHandler of the handler for unknown routes': async ({ app, held, pay, register }) => {
    await register()
    app.setNotFoundHandler({ preHandler: held.wait }, pay)
  },
  'a preHandler of a child with a handler for unknown routes': async ({ app, held, pay, register }) => {
    app.register(async (child) => {
      child.addHook('preHandler', held.wait)
      child.setNotFoundHandler(pay)
    }, { prefix: '/pay' })
    await register()
  },
  'a preHandler in front of the handler for unknown routes that another handler calls': async ({ app, held, pay, register }) => {
    await register()
    app.setNotFoundHandler({ preHandler: held.wait }, pay)
    app.post('/pay', (_request, reply) => { reply.callNotFound() })
  }
}

interface Started {
  readonly held: HeldHook
  readonly port: number
  readonly paid: () => number
  /** The app, or the child that the plugin is registered in. */
  readonly app: FastifyInstance
}

async function start (t: Test, place: string, site: Site): Promise<Started> {
  const root = Fastify({ serverFactory, forceCloseConnections: true, pluginTimeout: PATIENCE }) as unknown as FastifyInstance
  t.teardown(() => root.close())
  const held = new HeldHook()
  held.watch(root)
  let app = root
  let paid = 0
  const pay = async (): Promise<string> => {
    paid++
    return 'paid'
  }
  const options = { endpoint: `${site.endpoint()}:alpn=h2+http/1.1` }
  await PLACES[place]?.({
    app: root,
    held,
    pay,
    register: async () => { await root.register(endpoint, options) },
    registerInChild: async () => {
      await root.register(async (child) => {
        app = child
        await child.register(endpoint, options)
      })
    }
  })
  await root.listen()
  return { app, held, port: (root.server.address() as { port: number }).port, paid: () => paid }
}

/** Sends POST /pay. */
const CLIENTS: Record<string, (t: Test, port: number, client: ConnectionOptions) => Promise<void>> = {
  'HTTP/1': async (t, port, client) => {
    const socket = await connectTls(port, client)
    t.teardown(() => { socket.destroy() })
    socket.on('error', () => {}).resume().write('POST /pay HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n')
  },
  'HTTP/2': async (t, port, client) => {
    const session = await openSession(port, client)
    t.teardown(() => { session.destroy() })
    session.on('error', () => {}).request({ ':path': '/pay', ':method': 'POST' }).on('error', () => {}).resume().end()
  }
}

for (const [protocol, ask] of Object.entries(CLIENTS)) {
  for (const place of Object.keys(PLACES)) {
    t.test(`no handler starts for a client that is revoked while a hook waits: ${place}, ${protocol}`, async (t) => {
      const site = await makeSite(t)
      const { app, held, port, paid } = await start(t, place, site)
      await ask(t, port, asClient(site, site.mallory))
      await held.reached
      await putInForce(app, () => site.revoke('mallory.pem'))
      held.release()
      t.match(await held.answered, /^403 .*FST_ENDPOINT_CLIENT_REFUSED/)
      t.equal(paid(), 0)
      const alice = await openSession(port, asClient(site, site.alice))
      t.equal((await ask2(alice, '/pay', '')).body, 'paid')
      t.equal(paid(), 1)
      alice.close()
    })
  }

  t.test(`no handler starts after a certificate has expired: ${protocol}`, async (t) => {
    const site = await makeSite(t)
    const { app, held, port, paid } = await start(t, 'a preHandler of the app behind the plugin', site)
    await whileItLives(site, async (leaf) => {
      await ask(t, port, asClient(site, leaf))
      let isHeld = false
      held.reached.then(() => { isHeld = true })
      await until('no connection is open', async () => await connections(app) === 0)
      return isHeld || undefined
    })
    held.release()
    t.match(await held.answered, /^403 .*FST_ENDPOINT_CLIENT_EXPIRED/)
    t.equal(paid(), 0)
  })
}

function connections (app: FastifyInstance): Promise<number> {
  return new Promise((resolve) => { app.server.getConnections((_error, count) => { resolve(count) }) })
}
