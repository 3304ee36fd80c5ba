/**
 * The Fastify plugin: turns endpoint strings into listeners that are ready to open, and adds the hooks and decorators.
 *
 * The path from a string to an open port:
 *
 *     environment                           the strings, from the option or a variable
 *     ../description/parse                  grammar, names and values of arguments
 *     ../layers/listener                    one endpoint; all are prepared before any is opened
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
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ClientIdentities } from './client-identity.js'
import { MOST_CONNECTIONS, MOST_HANDSHAKES } from './default-limits.js'
import type { Origin } from '../engine/connection.js'
import type { ConnectionLimits } from '../engine/connections.js'
import { parseEndpoint } from '../description/index.js'
import { adviceForLimit, descriptors } from '../descriptors.js'
import { endpointDecorator, showListeners } from './decorator.js'
import { readEndpoints } from './environment.js'
import { errors, located } from '../errors.js'
import { Listener } from '../layers/listener.js'
import { logsToStandardOutput } from './standard-output.js'
import type { Metrics } from '../metrics/metrics.js'
import { connectionOf, isInjected, refuseRevoked } from '../engine/refused-requests.js'
import { problemOfWord } from '../revocation/sources/source-word.js'
import type { SourcesOptions } from '../revocation/sources/line-sources.js'
import { EndpointServer } from '../engine/server.js'
import { nearest } from '../text/nearest.js'
import type { Admission } from '../tls/verdict.js'
import type { ClientIdentity } from '../../types/client-identity.js'
import type { EndpointListener, EndpointOptions, MetricsRegistry } from '../../types/plugin.js'
import type { ProxyProtocol } from '../../types/proxy-protocol.js'
import type {} from '../../types/fastify.js'

async function fastifyEndpoint (app: FastifyInstance, options: EndpointOptions): Promise<void> {
  const server: unknown = app.server
  if (!(server instanceof EndpointServer) || !server.guarded) throw new errors.FST_ENDPOINT_FOREIGN_SERVER()
  if (app.hasDecorator('endpoint')) throw new errors.FST_ENDPOINT_ALREADY_REGISTERED()
  const limits = limitsOf(options)
  checkSignal(options.reloadSignal)
  checkRemovalDelay(options.removalDelay)
  const endpoints = (await readEndpoints(app, options)).map((text) => parseEndpoint(text))
  for (const { type, description } of endpoints) {
    if (type !== 'stdio' || !logsToStandardOutput(app.log)) continue
    throw located(new errors.FST_ENDPOINT_STDIO_LOGGER(description), { endpoint: description })
  }
  const metrics = options.metrics === undefined ? undefined : await openMetrics(options.metrics)
  const shared = {
    log: app.log,
    measure: metrics !== undefined,
    sources: sourcesOf(app, options),
    ...(options.credentials !== undefined && { credentialFactories: checkCredentials(options.credentials) }),
    ...(options.limits !== undefined && { limits: options.limits }),
    ...(options.removalDelay !== undefined && { removalDelay: options.removalDelay })
  }
  const listeners = await inTime((late) => Listener.prepareAll(endpoints, shared, late), app.initialConfig.pluginTimeout)
  try {
    server.attach(listeners, app.log, withinDescriptors(limits, app.log), closeTimeoutOf(options), function closeApp () {
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
    const roles = new Set(listeners.flatMap(({ tls }) => [...tls?.allowed?.allowed?.roles ?? []]))
    server.demands.know(roles, (role, route) => {
      const didYouMean = roles.size > MOST_ROLES ? undefined : nearest(role, roles)
      app.log.warn({ role, route, ...(didYouMean !== undefined && { didYouMean }) }, 'route names a role that no rule of allowedFile gives')
    })
    if (options.reloadSignal !== undefined) reloadAt(options.reloadSignal, app)
  } catch (error) {
    for (const listener of listeners) listener.dispose()
    throw error
  }
}

async function openMetrics (registry: MetricsRegistry): Promise<Metrics> {
  const { Metrics } = await import('../metrics/metrics.js')
  return await Metrics.open(registry)
}

/** Among more roles, none is looked for that is like a misspelt one: each comparison takes some microseconds. */
const MOST_ROLES = 1000

function decorate (app: FastifyInstance, server: EndpointServer, listeners: readonly Listener[]): void {
  const views = showListeners(listeners)
  const viewOf: ReadonlyMap<Origin, EndpointListener> = views
  app.decorate('endpoint', endpointDecorator(views))
  app.decorateRequest('clientCertificate', { getter: clientCertificateOf } as unknown as X509Certificate)
  app.decorateRequest('clientIdentity', { getter: clientIdentityOf } as unknown as ClientIdentity)
  app.decorateRequest('proxyProtocol', { getter: proxyProtocolOf } as unknown as ProxyProtocol)
  app.decorateRequest('endpoint', { getter: endpointOf } as unknown as EndpointListener)
  const identities = new ClientIdentities()
  function clientIdentityOf (this: FastifyRequest): ClientIdentity | undefined {
    const certificate = this.clientCertificate
    // A certificate that a test has put on an injected request has its names too.
    return certificate === undefined ? undefined : identities.of(certificate, admissionOf(this, certificate))
  }
  function endpointOf (this: FastifyRequest): EndpointListener | undefined {
    const origin = isInjected(this) ? undefined : connectionOf(this)?.origin
    return origin === undefined ? undefined : viewOf.get(origin)
  }
  // Without client certificates no client can be refused, and a hook costs as much as routing does.
  if (server.judgesClients) {
    app.addHook('onRequest', refuseRevoked)
    // Checks once more after the body, for the hooks of the app. Its handlers are guarded
    // separately.
    app.addHook('preHandler', refuseRevoked)
  }
  app.addHook('onClose', function closeEndpoint (_app, done) {
    // Fastify does not close a server that is about to listen, or has just begun to.
    server.close(() => done())
  })
}

/** @throws FST_ENDPOINT_INVALID_OPTION */
function checkSignal (signal: NodeJS.Signals | undefined): void {
  if (signal === undefined || (Object.hasOwn(constants.signals, signal) && signal !== 'SIGKILL' && signal !== 'SIGSTOP')) return
  throw new errors.FST_ENDPOINT_INVALID_OPTION('reloadSignal', 'the name of a signal that a process can listen to, for example SIGHUP')
}

/** One day, in milliseconds. */
const LONGEST_REMOVAL_DELAY = 24 * 60 * 60 * 1000

/** @throws FST_ENDPOINT_INVALID_OPTION */
function checkRemovalDelay (delay: number | undefined): void {
  if (delay === undefined || (Number.isInteger(delay) && delay >= 0 && delay <= LONGEST_REMOVAL_DELAY)) return
  throw new errors.FST_ENDPOINT_INVALID_OPTION('removalDelay', `an integer from 0 to ${LONGEST_REMOVAL_DELAY}, in milliseconds`)
}

function reloadAt (signal: NodeJS.Signals, app: FastifyInstance): void {
  const reload = (): void => {
    app.log.info({ signal }, 'reloading all endpoint files')
    app.endpoint.reload().catch((err) => {
      app.log.error({ err, signal }, 'some endpoint files could not be reloaded: their last good content stays in force')
    })
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

/** The part of Fastify's pluginTimeout that sources may use. They must fail earlier, since their error names the source. */
const PART_FOR_SOURCES = 0.75

/** @throws FST_ENDPOINT_INVALID_OPTION */
function sourcesOf (app: FastifyInstance, { sources = {}, cacheDir }: EndpointOptions): SourcesOptions {
  for (const [word, factory] of Object.entries(sources)) {
    const problem = typeof factory === 'function' ? problemOfWord(word) : 'a function that creates a source from a line'
    if (problem !== undefined) throw new errors.FST_ENDPOINT_INVALID_OPTION(`sources.${word}`, problem)
  }
  if (cacheDir !== undefined && (typeof cacheDir !== 'string' || cacheDir === '')) {
    throw new errors.FST_ENDPOINT_INVALID_OPTION('cacheDir', 'the path of a folder')
  }
  const { pluginTimeout = 0 } = app.initialConfig
  return {
    factories: sources,
    log: app.log,
    // The working directory may change later.
    ...(cacheDir !== undefined && { cacheDir: resolve(cacheDir) }),
    ...(pluginTimeout > 0 && { startLimit: Math.floor(pluginTimeout * PART_FOR_SOURCES), startedAt: performance.now() })
  }
}

/** @throws FST_ENDPOINT_INVALID_OPTION */
function checkCredentials (factories: NonNullable<EndpointOptions['credentials']>): NonNullable<EndpointOptions['credentials']> {
  for (const [word, factory] of Object.entries(factories)) {
    if (typeof factory === 'function') continue
    throw new errors.FST_ENDPOINT_INVALID_OPTION(`credentials.${word}`, 'a function that makes a credential source')
  }
  return factories
}

/** @throws FST_ENDPOINT_INVALID_OPTION */
function limitsOf (options: EndpointOptions): ConnectionLimits {
  const { maxConnections = MOST_CONNECTIONS, maxHandshakes = MOST_HANDSHAKES, limits = {} } = options
  const named = Object.entries(limits).map(([name, value]) => [`limits.${name}`, value] as const)
  for (const [name, value] of [['maxConnections', maxConnections], ['maxHandshakes', maxHandshakes], ...named] as const) {
    if (!(Number.isInteger(value) || value === Infinity) || value < 1) {
      throw new errors.FST_ENDPOINT_INVALID_OPTION(name, 'a positive integer, or Infinity')
    }
  }
  return { connections: maxConnections, handshakes: maxHandshakes }
}

/** The maximum for a timer of Node.js, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1

/** @throws FST_ENDPOINT_INVALID_OPTION */
function closeTimeoutOf ({ closeTimeout = Infinity }: EndpointOptions): number {
  const isTime = Number.isInteger(closeTimeout) && closeTimeout > 0 && closeTimeout <= LONGEST_TIMEOUT
  if (isTime || closeTimeout === Infinity) return closeTimeout
  throw new errors.FST_ENDPOINT_INVALID_OPTION('closeTimeout', `milliseconds from 1 to ${LONGEST_TIMEOUT}, or Infinity`)
}

/** The limits, lowered to what the process's limit of open files allows; warns if that is less. */
function withinDescriptors ({ connections, handshakes }: ConnectionLimits, log: FastifyBaseLogger): ConnectionLimits {
  const { limit, forConnections } = descriptors
  if (connections <= forConnections) return { connections, handshakes }
  const details = { maxConnections: connections, descriptors: limit, connections: forConnections }
  log.warn(details, `maxConnections exceeds the limit of open files: ${adviceForLimit(forConnections)}`)
  return { connections: forConnections, handshakes }
}

/** Rejects before Fastify's pluginTimeout does: its error names the plugin, and not the cause. */
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

/** Undefined if the certificate is not that of the connection: an app may take one from a header of its proxy. */
function admissionOf (request: FastifyRequest, certificate: X509Certificate): Admission | undefined {
  // An injected request has no connection.
  const admission = connectionOf(request)?.admission
  return admission?.certificate === certificate ? admission : undefined
}

function clientCertificateOf (this: FastifyRequest): X509Certificate | undefined {
  return isInjected(this) ? undefined : connectionOf(this)?.certificate
}

function proxyProtocolOf (this: FastifyRequest): ProxyProtocol | undefined {
  return isInjected(this) ? undefined : connectionOf(this)?.proxyProtocol
}
