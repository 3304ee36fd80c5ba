/**
 * The Fastify plugin: from the option or the environment to listeners that are ready to open, the
 * onRequest hook, and what the app can ask.
 *
 * The way from a string to an open port:
 *
 *     environment                           the strings, from the option or a variable
 *     ../description/parse                  grammar, names and values of arguments
 *     ../layers/listener                    one endpoint; all are prepared before one is opened
 *       ../layers/tls-layer                 its gate and its revocations
 *         ../tls/credentials-watcher        keys, certificates, authorities: read, tried, watched
 *         ../revocation/shared-watchers     the list, see ../revocation/index
 *       ../layers/proxy-layer               who may send PROXY headers
 *     ../engine/server                      Fastify calls listen()
 *       ../transports/open                  tcp, unix, systemd, fd, stdio
 */
import type { X509Certificate } from 'node:crypto'
import { constants } from 'node:os'
import { resolve } from 'node:path'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction, RequestPayload } from 'fastify'
import fp from 'fastify-plugin'
import { MOST_CONNECTIONS, MOST_HANDSHAKES } from './bounds.js'
import type { Origin } from '../engine/connection.js'
import type { Bounds } from '../engine/connections.js'
import { parseEndpoint } from '../description/index.js'
import { adviceForLimit, descriptors } from '../descriptors.js'
import { endpointDecorator, showListeners } from './decorator.js'
import { readEndpoints } from './environment.js'
import { errors, located } from '../errors.js'
import { Listener } from '../layers/listener.js'
import { logsToStandardOutput } from './standard-output.js'
import { Metrics } from '../metrics/metrics.js'
import { connectionOf, isInjected, refuseRevoked } from '../engine/refused-requests.js'
import { BUILT_IN, problemOfWord } from '../revocation/sources/kinds.js'
import type { SourcesOptions } from '../revocation/sources/line-sources.js'
import { EndpointServer } from '../engine/server.js'
import type { EndpointListener, EndpointOptions } from '../../types/plugin.js'
import type { ProxyProtocol } from '../../types/proxy-protocol.js'
import type {} from '../../types/fastify.js'

async function fastifyEndpoint (app: FastifyInstance, options: EndpointOptions): Promise<void> {
  const server: unknown = app.server
  if (!(server instanceof EndpointServer) || !server.guarded) throw new errors.FST_ENDPOINT_FOREIGN_SERVER()
  if (app.hasDecorator('endpoint')) throw new errors.FST_ENDPOINT_ALREADY_REGISTERED()
  const bounds = boundsOf(options)
  refuseSignal(options.reloadSignal)
  refuseDelay(options.removalDelay)
  const endpoints = (await readEndpoints(app, options)).map((text) => parseEndpoint(text))
  for (const { type, description } of endpoints) {
    if (type === 'stdio' && logsToStandardOutput(app.log)) throw located(new errors.FST_ENDPOINT_STDIO_LOGGER(description), { endpoint: description })
  }
  const metrics = options.metrics === undefined ? undefined : await Metrics.open(options.metrics)
  const { limits, removalDelay } = options
  const shared = {
    log: app.log,
    measure: metrics !== undefined,
    sources: sourcesOf(app, options),
    ...(limits !== undefined && { limits }),
    ...(removalDelay !== undefined && { removalDelay })
  }
  const listeners = await inTime((late) => Listener.prepareAll(endpoints, shared, late), app.initialConfig.pluginTimeout)
  try {
    server.attach(listeners, app.log, withinDescriptors(bounds, app.log), closeTimeoutOf(options), function closeSpent () {
      Promise.resolve(app.close()).catch((err: unknown) => { app.log.error({ err }, 'the app could not be closed') })
    })
    const hide = metrics?.show(listeners, server.clientConnections)
    if (hide !== undefined) {
      app.addHook('onClose', function hideMetrics (_app, done) {
        hide()
        done()
      })
    }
    decorate(app, server, listeners)
    if (options.reloadSignal !== undefined) reloadAt(options.reloadSignal, app)
  } catch (error) {
    for (const listener of listeners) listener.dispose()
    throw error
  }
}

function decorate (app: FastifyInstance, server: EndpointServer, listeners: readonly Listener[]): void {
  const shown = showListeners(listeners)
  const shownBy: ReadonlyMap<Origin, EndpointListener> = shown
  app.decorate('endpoint', endpointDecorator(shown))
  app.decorateRequest('clientCertificate', { getter: clientCertificateOf } as unknown as X509Certificate)
  app.decorateRequest('proxyProtocol', { getter: proxyProtocolOf } as unknown as ProxyProtocol)
  app.decorateRequest('endpoint', { getter: endpointOf } as unknown as EndpointListener)
  function endpointOf (this: FastifyRequest): EndpointListener | undefined {
    const origin = isInjected(this) ? undefined : connectionOf(this)?.origin
    return origin === undefined ? undefined : shownBy.get(origin)
  }
  // Where nobody is asked for a certificate there is nobody to refuse, and a hook costs as much as routing does.
  if (server.judgesClients) {
    app.addHook('onRequest', refuseRevoked)
    // Once more behind the body, for the hooks of the app: its handlers have a look of their own.
    app.addHook('preHandler', refuseRevoked)
  }
  // Where every client must come with a certificate there is nothing to demand.
  if (listeners.some(({ admitsAnonymous }) => admitsAnonymous)) app.addHook('preParsing', demandCertificate)
  app.addHook('onClose', function closeEndpoint (_app, done) {
    // Fastify leaves a server alone that is only about to listen, or has just come to it.
    server.close(() => done())
  })
}

/** @throws FST_ENDPOINT_INVALID_OPTION */
function refuseSignal (signal: NodeJS.Signals | undefined): void {
  if (signal === undefined || (Object.hasOwn(constants.signals, signal) && signal !== 'SIGKILL' && signal !== 'SIGSTOP')) return
  throw new errors.FST_ENDPOINT_INVALID_OPTION('reloadSignal', 'the name of a signal that a process can listen to, for example SIGHUP')
}

/** Milliseconds: a day. */
const LONGEST_REMOVAL_DELAY = 24 * 60 * 60 * 1000

/** @throws FST_ENDPOINT_INVALID_OPTION */
function refuseDelay (delay: number | undefined): void {
  if (delay === undefined || (Number.isInteger(delay) && delay >= 0 && delay <= LONGEST_REMOVAL_DELAY)) return
  throw new errors.FST_ENDPOINT_INVALID_OPTION('removalDelay', `an integer from 0 to ${LONGEST_REMOVAL_DELAY}, in milliseconds`)
}

function reloadAt (signal: NodeJS.Signals, app: FastifyInstance): void {
  const reload = (): void => {
    app.log.info({ signal }, 'reading all files of the endpoints anew')
    app.endpoint.reload().catch((err) => { app.log.error({ err, signal }, 'not all files of the endpoints could be read: what was good before stays in force') })
  }
  process.on(signal, reload)
  app.addHook('onClose', function stopListening (_app, done) {
    process.removeListener(signal, reload)
    done()
  })
}

/**
 * The plugin: `await app.register(endpoint, options)` on an app with {@link serverFactory}. {@link EndpointOptions} has the
 * options. It adds `app.endpoint`, `request.clientCertificate`, `request.endpoint` and `request.proxyProtocol`.
 *
 * Registering it reads and checks all files of the endpoints and opens no port. It fails with the error of the string, the
 * option or the file that is wrong: see {@link errors}.
 */
export const endpoint = fp(fastifyEndpoint, { fastify: '5.x', name: 'fastify-endpoint' })

/** Of Fastify's own limit on a start, the part that sources may take: what waits for them has an error of its own. */
const PART_FOR_SOURCES = 0.75

/** @throws FST_ENDPOINT_INVALID_OPTION */
function sourcesOf (app: FastifyInstance, { sources = {}, cacheDir }: EndpointOptions): SourcesOptions {
  for (const [word, factory] of Object.entries(sources)) {
    const problem = typeof factory === 'function' ? problemOfWord(word) : 'a function that makes a source of a line'
    if (problem !== undefined) throw new errors.FST_ENDPOINT_INVALID_OPTION(`sources.${word}`, problem)
  }
  if (cacheDir !== undefined && (typeof cacheDir !== 'string' || cacheDir === '')) throw new errors.FST_ENDPOINT_INVALID_OPTION('cacheDir', 'the path of a folder')
  const { pluginTimeout = 0 } = app.initialConfig
  return {
    factories: { ...BUILT_IN, ...sources },
    log: app.log,
    // The working directory may change later.
    ...(cacheDir !== undefined && { cacheDir: resolve(cacheDir) }),
    ...(pluginTimeout > 0 && { startLimit: Math.floor(pluginTimeout * PART_FOR_SOURCES) })
  }
}

/** @throws FST_ENDPOINT_INVALID_OPTION */
function boundsOf ({ maxConnections = MOST_CONNECTIONS, maxHandshakes = MOST_HANDSHAKES, limits = {} }: EndpointOptions): Bounds {
  const named = Object.entries(limits).map(([name, value]) => [`limits.${name}`, value] as const)
  for (const [name, value] of [['maxConnections', maxConnections], ['maxHandshakes', maxHandshakes], ...named] as const) {
    if (!(Number.isInteger(value) || value === Infinity) || value < 1) throw new errors.FST_ENDPOINT_INVALID_OPTION(name, 'a positive integer, or Infinity')
  }
  return { connections: maxConnections, handshakes: maxHandshakes }
}

/** The most that a timer of Node.js takes. */
const LONGEST_TIMEOUT = 2 ** 31 - 1

/** @throws FST_ENDPOINT_INVALID_OPTION */
function closeTimeoutOf ({ closeTimeout = Infinity }: EndpointOptions): number {
  if (closeTimeout === Infinity || (Number.isInteger(closeTimeout) && closeTimeout > 0 && closeTimeout <= LONGEST_TIMEOUT)) return closeTimeout
  throw new errors.FST_ENDPOINT_INVALID_OPTION('closeTimeout', `milliseconds from 1 to ${LONGEST_TIMEOUT}, or Infinity`)
}

/** The bounds that the limit of the process allows, which it warns of. */
function withinDescriptors ({ connections, handshakes }: Bounds, log: FastifyBaseLogger): Bounds {
  const { limit, forConnections } = descriptors
  if (connections <= forConnections) return { connections, handshakes }
  log.warn({ maxConnections: connections, descriptors: limit, connections: forConnections }, `maxConnections is beyond the limit of open files: ${adviceForLimit(forConnections)}`)
  return { connections: forConnections, handshakes }
}

/** Rejects before Fastify's own limit on a start, whose error would name the plugin, but not the cause. */
async function inTime<T> (start: (late: Promise<never>) => Promise<T>, pluginTimeout = 0): Promise<T> {
  const limit = Math.floor(pluginTimeout * 0.9)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    if (limit > 0) timer = setTimeout(() => reject(new errors.FST_ENDPOINT_START_TIMEOUT(limit)), limit)
  })
  try {
    return await start(late)
  } finally {
    clearTimeout(timer)
  }
}

/** After the app's own onRequest hooks, so that a test can put a certificate on an injected request by one. */
function demandCertificate (request: FastifyRequest, _reply: FastifyReply, _payload: RequestPayload, done: HookHandlerDoneFunction): void {
  // Any value demands one: a misspelt one must not leave the route open.
  if (request.clientCertificate === undefined && request.routeOptions.config.endpoint !== undefined) {
    return done(new errors.FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED())
  }
  done()
}

function clientCertificateOf (this: FastifyRequest): X509Certificate | undefined {
  return isInjected(this) ? undefined : connectionOf(this)?.certificate
}

function proxyProtocolOf (this: FastifyRequest): ProxyProtocol | undefined {
  return isInjected(this) ? undefined : connectionOf(this)?.proxyProtocol
}
