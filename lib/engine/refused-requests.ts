/**
 * Checks clients after their handshake: when a request begins, when its body has arrived, and in the step that calls a
 * handler of the app. In between the app may wait for anything: a body, a session, a rate limit.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Duplex } from 'node:stream'
import type {
  FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions, HookHandlerDoneFunction, RouteOptions
} from 'fastify'
import { Connection } from './connection.js'
import { rejectMisspeltDemand } from '../allowed/misspelt-demand.js'
import type { RouteDemand, RouteDemands } from '../allowed/route-demand.js'
import { errors } from '../errors.js'

/** A handler of the app. Fastify calls it with a request and a reply, @fastify/websocket with a socket and a request. */
type Handler = (this: FastifyInstance, ...args: unknown[]) => unknown

/** The server of the app. */
interface GuardedServer {
  /** Whether any endpoint asks for client certificates. */
  readonly judgesClients: boolean
  /** Set to true once the handlers of the app are guarded. */
  guarded: boolean
  /** The restrictions of the routes of the app. */
  readonly demands: RouteDemands
}

/** The channel on which Fastify publishes a new app before any route is added; documented with its hooks. */
const INITIALIZATION = 'fastify.initialization'

/**
 * The hook for onRequest and preHandler. An injected request has no socket and passes. A request from a socket that
 * does not come from our server is refused.
 */
export function refuseRevoked (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  done(refuse(request, reply))
}

/**
 * Checks the client before each handler of the app. Call it while Fastify creates the app: a plugin would come too late for
 * routes that were declared before it. A hook is not enough, since the app's preHandlers run after ours, and may wait for
 * seconds.
 * @param options Fastify's own
 */
export function guardHandlers (server: GuardedServer, options: Pick<FastifyServerOptions, 'frameworkErrors'>): void {
  const guarded = new WeakSet<Handler>()
  /** The routes of each handler, by URL. After one for GET, Fastify adds one for HEAD with the same handler and config. */
  const routes = new WeakMap<object, Map<string, { readonly config: unknown, demand (): RouteDemand | undefined }>>()

  // A proxy keeps the handler's name, length and properties, which plugins may read.
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
    const { handler: original, config } = route
    const url = withoutSlash(route.url)
    const ofHandler = routes.get(original) ?? new Map<string, { config: unknown, demand: () => RouteDemand | undefined }>()
    routes.set(original, ofHandler)
    const other = ofHandler.get(url)
    // A hook may have restricted the route for GET only.
    const demand = guardDemand(route, route.method === 'HEAD' && other?.config === config ? other?.demand() : undefined)
    if (route.method !== 'HEAD') ofHandler.set(url, { config, demand })
    let handler = guard(original)
    // Later hooks may replace the handler, as @fastify/websocket does.
    Object.defineProperty(route, 'handler', {
      configurable: true,
      enumerable: true,
      get: () => handler,
      set: (other) => { handler = guard(other) }
    })
  }

  /**
   * Reads the restriction of the route now, and again when Fastify reads its config, since `onRoute` hooks may replace the
   * config in between. An exception is then thrown by the call that registers the route.
   *
   * @param inherited a restriction that applies as well
   * @returns gives the restriction that applies at the time of the call
   */
  function guardDemand (route: RouteOptions, inherited: RouteDemand | undefined): () => RouteDemand | undefined {
    let { config, onRequest } = route
    let demand = inherited

    /** After the hooks onRequest of the app, so that a test can put a certificate or an identity on an injected request. */
    function demandClient (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void {
      const error = refuseByDemand(request, demand)
      done(error === undefined && inherited !== undefined && inherited !== demand ? refuseByDemand(request, inherited) : error)
    }

    const read = (): void => {
      rejectMisspeltDemand(route, config)
      // A hook that drops the restriction, for example with a config of its own, does not open the route.
      if (config?.endpoint !== undefined) demand = server.demands.read(config.endpoint, route)
    }
    read()
    // Hooks may set both, but not redefine them: the change would not be noticed.
    Object.defineProperty(route, 'config', {
      configurable: false,
      enumerable: true,
      get: () => {
        read()
        return config
      },
      set: (other) => { config = other }
    })
    Object.defineProperty(route, 'onRequest', {
      configurable: false,
      enumerable: true,
      get: () => {
        const hooks = [onRequest ?? []].flat()
        // Before other hooks of the route, which may answer. The array is kept, since a hook may add to it.
        if (demand !== undefined && hooks[0] !== demandClient) onRequest = [demandClient, ...hooks.filter((hook) => hook !== demandClient)]
        return onRequest
      },
      set: (other) => { onRequest = other }
    })
    return () => demand
  }

  function guardApp (message: unknown): void {
    const { fastify: app } = message as { fastify: FastifyInstance }
    if ((app.server as unknown) !== server) return
    server.guarded = true
    app.addHook('onRoute', guardRoute)
    // For Fastify, the notFound handler is not a route.
    const { setNotFoundHandler } = app
    app.setNotFoundHandler = function (this: FastifyInstance, ...args: unknown[]) {
      const [options, ...others] = args
      const demanding = typeof options === 'object' && options !== null ? withDemand(options, this.prefix) : options
      return Reflect.apply(setNotFoundHandler, this, [demanding, ...others].map(guard)) as FastifyInstance
    } as typeof setNotFoundHandler
  }

  /** The options of a notFound handler: Fastify does not read their config, but an app may rely on a restriction there. */
  function withDemand (options: NotFoundOptions, prefix: string): NotFoundOptions {
    const { config, preValidation = [], preHandler = [] } = options
    const route = { ...options, method: 'any', url: `${prefix}/*` } as unknown as RouteOptions
    rejectMisspeltDemand(route, config)
    if (config?.endpoint === undefined) return options
    const demand = server.demands.read(config.endpoint, route)
    function demandClient (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void {
      done(refuseByDemand(request, demand))
    }
    // Both, since reply.callNotFound() runs no preValidation.
    return { ...options, preValidation: [demandClient, preValidation].flat(), preHandler: [demandClient, preHandler].flat() }
  }

  subscribe(INITIALIZATION, guardApp)
  // Fastify creates an app in one synchronous step.
  queueMicrotask(() => unsubscribe(INITIALIZATION, guardApp))

  // Answers malformed URLs. No hook runs before it.
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

/** Fastify may register a route with a prefix twice: with a slash at the end, and without. */
function withoutSlash (url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url
}

interface NotFoundOptions {
  readonly config?: { readonly endpoint?: unknown }
  readonly preValidation?: unknown
  readonly preHandler?: unknown
}

/** The error to answer with if the restriction of a route does not admit the client. */
function refuseByDemand (request: FastifyRequest, demand: RouteDemand | undefined): Error | undefined {
  const { clientIdentity } = request
  if (clientIdentity === undefined) return new errors.FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED()
  return demand?.admits(clientIdentity, request) === true ? undefined : new errors.FST_ENDPOINT_CLIENT_NOT_ALLOWED()
}

/** Finds the request among the arguments of a handler. */
function refuseCall ([first, second]: unknown[]): Error | undefined {
  if (isRequest(first)) return refuse(first, second as FastifyReply)
  return isRequest(second) ? refuse(second) : undefined
}

function isRequest (value: unknown): value is FastifyRequest {
  return (value as Partial<FastifyRequest> | undefined)?.raw !== undefined
}

/** The error to answer with if the client is no longer admitted. */
function refuse (request: FastifyRequest, reply?: FastifyReply): Error | undefined {
  const connection = connectionOf(request)
  const refusal = connection?.findRefusal()
  if (refusal === undefined && (connection !== undefined || isInjected(request))) return undefined
  // HTTP/2 has no such header: its session is closed after the answer.
  if (request.raw.httpVersionMajor === 1) reply?.header('connection', 'close')
  if (refusal === undefined) return new errors.FST_ENDPOINT_CLIENT_REFUSED()
  if (reply === undefined) connection?.refuse(refusal)
  else reply.raw.once('close', () => { connection?.refuse(refusal) })
  return refusal.reason === 'certificate_expired' ? new errors.FST_ENDPOINT_CLIENT_EXPIRED() : new errors.FST_ENDPOINT_CLIENT_REFUSED()
}

/**
 * Whether a request comes from `app.inject()`, whose socket is a mock. A request of HTTP/2 never does; once its session has
 * gone, its stream replaces the socket.
 */
export function isInjected ({ raw }: FastifyRequest): boolean {
  return raw.httpVersionMajor === 1 && !(raw.socket instanceof Duplex)
}

export function connectionOf ({ raw }: FastifyRequest): Connection | undefined {
  return Connection.ofRequest(raw)
}
