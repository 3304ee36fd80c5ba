/**
 * Every error that this package throws: its code, the printf pattern of its message, its HTTP status.
 *
 * A message says what is wrong, where, and what to write instead. Where that depends on what was found, the pattern
 * only has the order of the values: `%s: %s` is the place and the problem. The function that finds the problem
 * writes its text. `located` also puts the argument, the file, the line and the character on the error, for programs.
 * docs/errors.md explains each code.
 */
import defineError, { type FastifyError } from '@fastify/error'

/** Where the cause of an error is. An error has those members that it knows. */
export interface ErrorLocation {
  /** The endpoint string. It contains paths, never secrets. */
  endpoint?: string
  /** The argument of the endpoint string. */
  argument?: string
  /** Offset of the wrong character in `endpoint`, in UTF-16 code units, from 0. */
  index?: number
  /** Path of the file that is wrong. */
  file?: string
  /** The line of that file, from 1. */
  line?: number
}

/** Creates errors of one code, with or without `new`, and is the class of them for `instanceof`. The values are put into the message. */
export interface CodedErrorConstructor<C extends string, S extends number> {
  new (...values: Array<string | number>): CodedError<C, S>
  (...values: Array<string | number>): CodedError<C, S>
  /** What `instanceof` looks for. */
  readonly prototype: CodedError<C, S>
}

/** An error of this package. `cause` is the error behind it, if there is one. */
export type CodedError<C extends string, S extends number> = FastifyError & {
  /** One of {@link ErrorCode}. */
  code: C
  /** The HTTP status: 403 for clients that are rejected, otherwise 500. */
  statusCode: S
}

// Typed here: the types of @fastify/error have no name for a module that is resolved as bundlers do it.
const createError = defineError as unknown as
  <C extends string, S extends number>(code: C, message: string, statusCode: S) => CodedErrorConstructor<C, S>

function withStatus<const S extends number, M extends Readonly<Record<string, string>>> (statusCode: S, messages: M):
{ readonly [C in keyof M & string]: CodedErrorConstructor<C, S> } {
  const constructors = Object.entries(messages).map(([code, message]) => [code, createError(code, message, statusCode)])
  return Object.fromEntries(constructors)
}

const faults = withStatus(500, {
  // The string.
  FST_ENDPOINT_SYNTAX: '%s',
  FST_ENDPOINT_UNKNOWN_TYPE: '%s',
  FST_ENDPOINT_UNKNOWN_ARGUMENT: '%s',
  FST_ENDPOINT_MISSING_ARGUMENT: '%s',
  FST_ENDPOINT_REPEATED_ARGUMENT: '%s',
  FST_ENDPOINT_TOO_MANY_ARGUMENTS: '%s',
  FST_ENDPOINT_INVALID_ARGUMENT: '%s',
  FST_ENDPOINT_CONFLICTING_ARGUMENTS: '%s',

  // The app.
  FST_ENDPOINT_MISSING:
    'No endpoint is configured: set the environment variable %s, for example %s=tcp:3000:interface=127.0.0.1, or ' +
    'pass `endpoint` or `fallback` to the plugin. If you set it, check its quoting: systemd ignores a line with \\: ' +
    '(write \\\\:), and an unquoted # ends a value in a .env file',
  FST_ENDPOINT_ARRAY:
    '%s starts with [, as a JSON array of endpoint strings does, but %s. Write ["tcp:3000", ' +
    '"tcp6:3000:ipv6Only=1"], with each backslash doubled',
  FST_ENDPOINT_SERVER_OPTION: 'Fastify\'s option %s has no effect: %s',
  FST_ENDPOINT_FOREIGN_SERVER:
    'The Fastify server was not created by fastify-endpoint: import serverFactory from this package, and write ' +
    'Fastify({ serverFactory })',
  FST_ENDPOINT_NOT_REGISTERED:
    'listen() has no endpoint to open: write `await app.register(endpoint)` with the default export of ' +
    'fastify-endpoint before listen()',
  FST_ENDPOINT_ALREADY_REGISTERED:
    'fastify-endpoint is registered twice on one app: register it once and give it a list of endpoint strings',
  FST_ENDPOINT_ALREADY_LISTENING: 'The app is already listening, or about to: call listen() once',
  FST_ENDPOINT_CLOSED: 'The app was closed before it started to listen: find out what closes it, or ignore this',
  FST_ENDPOINT_UNSUPPORTED_NODE:
    'This Node.js (%s) does not expose the verdict of OpenSSL on client certificates, so no client could be ' +
    'admitted: use a Node.js version that the package supports',
  FST_ENDPOINT_SERVER_METHOD: 'server.%s() does not work with an endpoint: %s',
  FST_ENDPOINT_MAX_CONNECTIONS:
    'server.maxConnections must be 0, a positive integer or Infinity. Set it to undefined to use the option ' +
    'maxConnections of the plugin',
  FST_ENDPOINT_INVALID_OPTION: 'The option %s of the plugin must be %s',
  FST_ENDPOINT_ROUTE_CONFIG: '%s %s: %s has no effect; write config: { endpoint: %s }',

  FST_ENDPOINT_INVALID_ROUTE: 'config.endpoint of the route %s %s',

  // Metrics.
  FST_ENDPOINT_METRICS_UNAVAILABLE:
    'The option metrics needs the package prom-client, which cannot be loaded (%s): install it beside ' +
    'fastify-endpoint, or remove the option',
  FST_ENDPOINT_METRICS_TAKEN:
    'The registry of the option metrics already has a metric %s, which this copy of fastify-endpoint did not ' +
    'register: use another registry',

  // Opening.
  FST_ENDPOINT_ADDRESS_IN_USE: '"%s" cannot be opened: %s is in use by %s',
  FST_ENDPOINT_ADDRESS_FORBIDDEN: '"%s" cannot be opened: no permission for %s; %s',
  FST_ENDPOINT_ADDRESS_UNAVAILABLE:
    '"%s" cannot be opened: this machine has no such address: %s. Set interface= to an address of one of its ' +
    'interfaces',
  FST_ENDPOINT_LISTEN: '"%s" cannot be opened at %s: %s',
  FST_ENDPOINT_SOCKET_LOCKED:
    'The unix socket %s is in use by another process, according to the lock %s: stop that process, or choose ' +
    'another path',
  FST_ENDPOINT_UNIX_IN_WORKER:
    'A unix socket cannot be opened in a worker thread, since only the main thread may change the umask: open it ' +
    'in the main thread',
  FST_ENDPOINT_SYSTEMD: '"%s" cannot be opened: %s',
  FST_ENDPOINT_DESCRIPTOR_INVALID: '"%s" cannot be opened: descriptor %d %s',
  FST_ENDPOINT_DESCRIPTOR_TAKEN:
    '"%s" cannot be opened: another endpoint has used descriptor %d, and only one can listen on it. Restart ' +
    'the process to use it again',
  FST_ENDPOINT_INHERITED_IN_WORKER:
    '"%s" cannot be opened in a worker thread, since descriptors belong to the whole process: open it in the ' +
    'main thread',
  FST_ENDPOINT_STDIO: '"%s" cannot be opened: %s',
  FST_ENDPOINT_STDIO_LOGGER:
    'The log goes to standard output, where "%s" sends its responses: send it elsewhere, for example with ' +
    'Fastify({ logger: { stream: process.stderr } })',
  FST_ENDPOINT_REUSE_PORT: 'reusePort needs Node.js 22.12 or later; this is %s',
  FST_ENDPOINT_START_TIMEOUT:
    'The endpoint was not ready within %d ms: a file or folder that it names does not respond, or there is too ' +
    'much to read. Check network mounts, or raise Fastify\'s option pluginTimeout',

  // TLS.
  FST_ENDPOINT_KEY_INVALID: '%s "%s": %s',
  FST_ENDPOINT_KEY_MISMATCH: '%s: the first certificate does not match %s; %s',
  FST_ENDPOINT_SNI_INVALID: 'sni "%s": %s',
  FST_ENDPOINT_CERTIFICATE_INVALID: '%s "%s": %s',
  FST_ENDPOINT_PUBLIC_KEY: 'A public key (%s) cannot be used: %s',
  FST_ENDPOINT_NO_ANCHOR: 'authorities "%s": %s',
  FST_ENDPOINT_ANCHORS_UNSUPPORTED:
    'anchors=any needs Node.js 20.18, 22.9 or later, and this is %s: upgrade, or add the root to authorities and ' +
    'remove anchors',
  FST_ENDPOINT_DH_INVALID: 'dhParameters "%s": %s',
  FST_ENDPOINT_CIPHERS_INVALID:
    'ciphers "%s": OpenSSL supports none of these ciphers. Separate names with a comma or an escaped colon (\\:)',
  FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE: '%s "%s" cannot be used, since no handshake succeeds with it: %s',
  FST_ENDPOINT_TLS_INVALID: 'Node.js cannot create a TLS context for "%s": %s',

  // Certificates by ACME, and from a source of the app.
  FST_ENDPOINT_ACME_MISSING:
    'Certificates by ACME need the package acme-client, which cannot be loaded (%s): install it beside ' +
    'fastify-endpoint',
  FST_ENDPOINT_ACME_STORE: 'acmeStore "%s": %s',
  FST_ENDPOINT_ACME_BINDING:
    'acmeEab "%s" is not an external account binding: write the key identifier into the first line, and the HMAC key ' +
    'as base64url into the second',
  FST_ENDPOINT_ACME_CHALLENGE:
    '"%s": no plain endpoint of the app can answer http-01. Add one on port 80, such as tcp:80, or remove acmeChallenge',
  FST_ENDPOINT_ACME_FAILED: 'No certificate for %s could be obtained from %s: %s',
  FST_ENDPOINT_CREDENTIALS_SOURCE: '"%s": %s',

  // Files that the string names.
  FST_ENDPOINT_FILE_UNREADABLE: '%s cannot be read: %s',
  FST_ENDPOINT_FILE_NOT_REGULAR: '%s is %s: name a regular file',
  FST_ENDPOINT_FILE_TOO_LARGE: '%s is larger than the limit of %s: name the right file, or %s',
  FST_ENDPOINT_FILE_EMPTY: '%s is empty: %s',
  FST_ENDPOINT_FILE_CHANGED: '%s changed while it was being read: replace it in one step with a rename',
  FST_ENDPOINT_FILE_INVALID: '%s: %s',

  // The revocation list.
  FST_ENDPOINT_DER_INVALID: 'A certificate or CRL is not valid DER: %s',
  FST_ENDPOINT_LIST_ENCODING: '%s: %s',
  FST_ENDPOINT_LIST_SYNTAX: '%s: %s',
  FST_ENDPOINT_LIST_UNKNOWN_WORD: '%s: %s',
  FST_ENDPOINT_LIST_PATTERN: '%s: %s',
  FST_ENDPOINT_LIST_MISSING: '%s: %s',
  FST_ENDPOINT_LIST_UNREADABLE: '%s: a folder that it searches cannot be read: %s',
  FST_ENDPOINT_LIST_EMPTIED:
    '%s has become empty, as it does while it is being written, so its previous entries stay in force. To revoke ' +
    'nobody, leave a comment line in it (# none)',
  FST_ENDPOINT_LIST_TOO_MANY_FILES:
    '%s matches more files than limits.files allows (%d): make the pattern narrower, use one CRL instead of many ' +
    'files, or raise the limit',
  FST_ENDPOINT_LIST_TOO_MANY_ENTRIES:
    '%s revokes more certificates than limits.entries allows (%d): remove what does not belong there, or raise the limit',
  FST_ENDPOINT_CRL_UNSIGNED: '%s: the CRL is ignored: %s',
  FST_ENDPOINT_CRL_KEPT:
    '%s is gone, but stays in force until a newer one replaces it or the app restarts. Put back the newest CRL ' +
    'of this issuer, or remove the line that named it from the list',
  FST_ENDPOINT_CRL_GIVEN_UP:
    'Too many CRLs of %s have lost their files, so some are no longer in force, among them one from %s: what they revoked is ' +
    'no longer revoked. Put back the newest CRL of this issuer, and restart',
  FST_ENDPOINT_REVOCATION_RESTLESS:
    '%s has kept changing for a minute or more, so what it revoked before stays revoked. Stop writing to it, or ' +
    'replace it in one step with a rename',
  FST_ENDPOINT_LIST_UNWRITABLE: '%s cannot be changed: %s',

  // The allowed list.
  FST_ENDPOINT_ALLOWED_SYNTAX: '%s: %s',
  FST_ENDPOINT_ALLOWED_INVALID: '%s: %s',
  FST_ENDPOINT_ALLOWED_RESTLESS:
    '%s keeps changing, and counts only when it has not changed for %d ms: replace it in one step with a rename',

  // Revocations from Redis.
  FST_ENDPOINT_REDIS_ADDRESS: '%s: %s',
  FST_ENDPOINT_REDIS_MISSING:
    'Revocations from Redis need the package ioredis, which cannot be loaded (%s): install it beside ' +
    'fastify-endpoint',
  FST_ENDPOINT_REDIS_UNAVAILABLE: '%s cannot be read or written: %s',
  FST_ENDPOINT_REDIS_TOO_LARGE: '%s: %s',
  FST_ENDPOINT_REDIS_MEMBER: '%s: a member of the set is invalid and revokes nobody (%d like it): %s',
  FST_ENDPOINT_REDIS_UNMARKED:
    '%s: the set has no marker that says it is complete, so it may have lost entries. If it is complete (a new ' +
    'set, for example), run fastify-endpoint revoke --accept --to with this address',
  FST_ENDPOINT_REDIS_LOST:
    '%s: the set has lost %d entries that fastify-endpoint revoke did not remove. Add them again, or accept the ' +
    'current set: run fastify-endpoint revoke --accept --to with this address',
  FST_ENDPOINT_REDIS_KEPT:
    '%s: %d entries that fastify-endpoint revoke did not remove are gone from the set, so they stay revoked. Add ' +
    'them again, or accept the current set: run fastify-endpoint revoke --accept --to with this address',

  // Sources other than files.
  FST_ENDPOINT_SOURCE_INVALID: '%s: %s',
  FST_ENDPOINT_SOURCE_FAILED: '%s could not be loaded: %s',
  FST_ENDPOINT_SOURCE_TIMEOUT:
    '%s could not be loaded within %d ms: check that its server responds, and that no firewall drops the packets',
  FST_ENDPOINT_SOURCE_TOO_LARGE:
    '%s holds more %s than limits.%s allows (%d): check that it is the right source, or raise the limit',
  FST_ENDPOINT_SOURCE_INSECURE:
    '%s is plain http or a distribution point, and serves something other than CRLs, which is not signed. Name ' +
    'an https URL in the list instead',
  FST_ENDPOINT_SOURCE_FOREIGN:
    '%s is a distribution point of other authorities, but serves a CRL of %s, which is ignored. If this is ' +
    'intended, name the URL of the point in the list',
  FST_ENDPOINT_SOURCE_HELD:
    '%s no longer serves the CRLs of an issuer that it served before; the previous CRLs stay in force. If this ' +
    'is intended, change the URL (for example, append ?1), or delete its copy from cacheDir and restart',
  FST_ENDPOINT_SOURCE_POINTS: '%s: %s',
  FST_ENDPOINT_SOURCE_KEYS: '%s: %d of its keys are invalid. Write tbs:…, serial:… or spki:…, as in a list',
  FST_ENDPOINT_CACHE: 'cacheDir %s cannot be used: %s',
  FST_ENDPOINT_LIST_CLOSED: '%s is no longer watched, since the app was closed: ignore this, or reload before app.close()'
})

// Answers to clients: they say nothing about lists and files.
const refusals = withStatus(403, {
  FST_ENDPOINT_CLIENT_REFUSED: 'The client certificate was rejected',
  FST_ENDPOINT_CLIENT_EXPIRED: 'The client certificate has expired',
  FST_ENDPOINT_HANDSHAKE_REFUSED: 'The client was rejected in the TLS handshake: %s',
  FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED: 'This route requires a client certificate',
  FST_ENDPOINT_CLIENT_NOT_ALLOWED: 'The client may not use this route'
})

/**
 * The errors of this package, by their codes. docs/errors.md gives the cause and the remedy of each. {@link ErrorLocation} has
 * the properties that say where it is.
 */
export const errors = { ...faults, ...refusals } as const

/** A code of {@link errors}. */
export type ErrorCode = keyof typeof errors

/** Whether a thrown value is an error of this package. */
export function isCoded (thrown: unknown): thrown is Error & { code: ErrorCode } {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && Object.hasOwn(errors, thrown.code)
}

/** The message of anything that was thrown, for a message of ours that names it as the cause. */
export function reasonOf (thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** Puts where it happened, and what caused it, on a coded error. */
export function located<E extends Error> (error: E, location: ErrorLocation, cause?: unknown): E & ErrorLocation {
  if (cause !== undefined) error.cause = cause
  return Object.assign(error, location)
}

/** The first of several errors (at least one), to be thrown; the others are its property `errors`, if there are any. */
export function firstWithOthers ([first, ...others]: readonly Error[]): Error & { errors?: readonly Error[] } {
  return others.length === 0 ? first as Error : Object.assign(first as Error, { errors: others })
}
