/**
 * The looks at a client after its handshake: when a request begins, when its body is there, and in the step in which a
 * handler of the app begins. In between the app may wait for anything: a body, a session, a limit of its rate.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions, HookHandlerDoneFunction, RouteOptions } from 'fastify'
import { Connection } from './connection.js'
import { errors } from '../errors.js'

/** A handler of the app, whatever calls it: Fastify with a request and a reply, @fastify/websocket with a socket and a request. */
type Handler = (this: FastifyInstance, ...args: unknown[]) => unknown

/** A server whose app it is. */
interface GuardedServer {
  /** Whether clients of any of its endpoints can be refused. */
  readonly judgesClients: boolean
  /** Set when the handlers of its app are guarded. */
  guarded: boolean
}

/** Where Fastify publishes a new app, before anybody can add a route to it. Documented with its hooks. */
const INITIALIZATION = 'fastify.initialization'

/**
 * The hook onRequest, and preHandler. An injected request is no socket and passes; a socket that our server did not feed does not.
 */
export function refuseRevoked (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  done(refuse(request, reply))
}

/**
 * Puts a look at the client before each handler of the app whose server this is; to be called while Fastify makes
 * the app. A hook of ours could not be the last: behind a preHandler of ours come those of the app, which may wait
 * for seconds. And a plugin comes too late for the routes that were declared before it.
 * @param options Fastify's own
 */
export function guardHandlers (server: GuardedServer, options: Pick<FastifyServerOptions, 'frameworkErrors'>): void {
  const guarded = new WeakSet<Handler>()

  // A proxy has the name, the length and the properties of the handler, for plugins that look at them.
  function guard<H> (handler: H): H {
    if (typeof handler !== 'function' || guarded.has(handler as unknown as Handler)) return handler
    const guardian = new Proxy(handler as unknown as Handler, {
      apply (handler, self, args: unknown[]) {
        const error = server.judgesClients ? refuseCall(args) : undefined
        if (error !== undefined) throw error
        return Reflect.apply(handler, self, args)
      }
    })
    guarded.add(guardian)
    return guardian as unknown as H
  }

  function guardRoute (route: RouteOptions): void {
    let handler = guard(route.handler)
    // Hooks behind this one may put another handler in its place, as @fastify/websocket does.
    Object.defineProperty(route, 'handler', {
      configurable: true,
      enumerable: true,
      get: () => handler,
      set: (other) => { handler = guard(other) }
    })
  }

  function guardApp (message: unknown): void {
    const { fastify: app } = message as { fastify: FastifyInstance }
    if ((app.server as unknown) !== server) return
    server.guarded = true
    app.addHook('onRoute', guardRoute)
    // Not a route, for Fastify.
    const { setNotFoundHandler } = app
    app.setNotFoundHandler = function (this: FastifyInstance, ...args: unknown[]) {
      return Reflect.apply(setNotFoundHandler, this, args.map(guard)) as FastifyInstance
    } as typeof setNotFoundHandler
  }

  subscribe(INITIALIZATION, guardApp)
  // Fastify makes an app in one step.
  queueMicrotask(() => unsubscribe(INITIALIZATION, guardApp))

  // The app's answer to a URL that no route can have. No hook comes before it.
  const { frameworkErrors } = options
  if (frameworkErrors !== undefined) {
    options.frameworkErrors = function guardedErrors (cause, request, reply) {
      const [asked, answer] = [request, reply] as unknown as [FastifyRequest, FastifyReply]
      const error = server.judgesClients ? refuse(asked, answer) : undefined
      if (error === undefined) frameworkErrors.call(this, cause, request, reply)
      else answer.send(error)
    }
  }
}

/** Finds the request among what a handler is called with. */
function refuseCall ([first, second]: unknown[]): Error | undefined {
  if (isRequest(first)) return refuse(first, second as FastifyReply)
  return isRequest(second) ? refuse(second) : undefined
}

function isRequest (value: unknown): value is FastifyRequest {
  return (value as Partial<FastifyRequest> | undefined)?.raw !== undefined
}

/** What a request is answered with where its client is not admitted any more. */
function refuse (request: FastifyRequest, reply?: FastifyReply): Error | undefined {
  const connection = connectionOf(request)
  const refusal = connection?.findRefusal()
  if (refusal === undefined && (connection !== undefined || isInjected(request))) return undefined
  // HTTP/2 has no such header: its session ends when the answer has left.
  if (request.raw.httpVersionMajor === 1) reply?.header('connection', 'close')
  if (refusal === undefined) return new errors.FST_ENDPOINT_CLIENT_REFUSED()
  if (reply === undefined) connection?.refuse(refusal)
  else reply.raw.once('close', () => { connection?.refuse(refusal) })
  return refusal.reason === 'certificate_expired' ? new errors.FST_ENDPOINT_CLIENT_EXPIRED() : new errors.FST_ENDPOINT_CLIENT_REFUSED()
}

/**
 * Whether a request comes from `app.inject()`: its socket is a mock. A request of HTTP/2 never does, and
 * once its session is gone, its stream stands in the place of the socket.
 */
export function isInjected ({ raw }: FastifyRequest): boolean {
  return raw.httpVersionMajor === 1 && !(raw.socket instanceof Duplex)
}

export function connectionOf ({ raw }: FastifyRequest): Connection | undefined {
  return Connection.of(raw.socket)
}
