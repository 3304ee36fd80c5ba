/**
 * Every error that this package throws: its code, the printf pattern of its message, its HTTP status.
 *
 * A message says what is wrong, where, and what to write instead. Where that depends on what was found, the pattern
 * only says which values come in which order (`%s: %s` is the place and the problem), and whoever finds the problem
 * writes its text. `located` also puts the argument, the file, the line and the character on the error, for programs.
 * docs/errors.md explains each code.
 */
import defineError, { type FastifyError } from '@fastify/error'

/** Where the cause of an error stands. All members are optional: an error carries what it knows. */
export interface ErrorLocation {
  /** The endpoint string as it was given. It holds paths, never secrets. */
  endpoint?: string
  /** The name of the argument of the endpoint string. */
  argument?: string
  /** Offset of the wrong character in `endpoint`, in UTF-16 code units, from 0. */
  index?: number
  /** The file that is wrong. */
  file?: string
  /** The line of that file, from 1. */
  line?: number
}

/** Makes errors of one code, with or without `new`; what it is given goes into the message. */
export interface CodedErrorConstructor<C extends string, S extends number> {
  new (...values: Array<string | number>): CodedError<C, S>
  (...values: Array<string | number>): CodedError<C, S>
  readonly prototype: CodedError<C, S>
}

/** An error of this package. Its `cause`, where there is one, is what it comes from. */
export type CodedError<C extends string, S extends number> = FastifyError & { code: C, statusCode: S }

// Typed here: the types of @fastify/error have no name for a module that is resolved as bundlers do it.
const createError = defineError as unknown as <C extends string, S extends number>(code: C, message: string, statusCode: S) => CodedErrorConstructor<C, S>

/** The errors of this package by their codes. What a program may want to read of one is in its properties: see {@link ErrorLocation}. */
export const errors = {
  // The string.
  FST_ENDPOINT_SYNTAX: createError('FST_ENDPOINT_SYNTAX', '%s', 500),
  FST_ENDPOINT_UNKNOWN_TYPE: createError('FST_ENDPOINT_UNKNOWN_TYPE', '%s', 500),
  FST_ENDPOINT_UNKNOWN_ARGUMENT: createError('FST_ENDPOINT_UNKNOWN_ARGUMENT', '%s', 500),
  FST_ENDPOINT_MISSING_ARGUMENT: createError('FST_ENDPOINT_MISSING_ARGUMENT', '%s', 500),
  FST_ENDPOINT_REPEATED_ARGUMENT: createError('FST_ENDPOINT_REPEATED_ARGUMENT', '%s', 500),
  FST_ENDPOINT_TOO_MANY_ARGUMENTS: createError('FST_ENDPOINT_TOO_MANY_ARGUMENTS', '%s', 500),
  FST_ENDPOINT_INVALID_ARGUMENT: createError('FST_ENDPOINT_INVALID_ARGUMENT', '%s', 500),
  FST_ENDPOINT_CONFLICTING_ARGUMENTS: createError('FST_ENDPOINT_CONFLICTING_ARGUMENTS', '%s', 500),

  // The app.
  FST_ENDPOINT_MISSING: createError('FST_ENDPOINT_MISSING', 'No endpoint: set the environment variable %s, for example %s=tcp:3000:interface=127.0.0.1, or give the plugin `endpoint` or `fallback`. If the variable should be set, look at its backslashes: systemd drops an Environment= line whose value holds a single \\ before a colon (write \\\\:), and an unquoted # ends a value in a .env file', 500),
  FST_ENDPOINT_ARRAY: createError('FST_ENDPOINT_ARRAY', '%s begins with [ as a JSON array of endpoint strings, and %s: write ["tcp:3000", "tcp6:3000:ipv6Only=1"], with each backslash doubled', 500),
  FST_ENDPOINT_SERVER_OPTION: createError('FST_ENDPOINT_SERVER_OPTION', 'Fastify\'s option %s has no effect here, where the endpoint string decides: %s', 500),
  FST_ENDPOINT_FOREIGN_SERVER: createError('FST_ENDPOINT_FOREIGN_SERVER', 'The Fastify server was not made by fastify-endpoint: write Fastify({ serverFactory }) with the serverFactory that this package exports', 500),
  FST_ENDPOINT_NOT_REGISTERED: createError('FST_ENDPOINT_NOT_REGISTERED', 'listen() has no endpoint to open: write `await app.register(endpoint)` with the default export of fastify-endpoint before listen()', 500),
  FST_ENDPOINT_ALREADY_REGISTERED: createError('FST_ENDPOINT_ALREADY_REGISTERED', 'fastify-endpoint is registered twice on one app: register it once and give it a list of endpoint strings', 500),
  FST_ENDPOINT_ALREADY_LISTENING: createError('FST_ENDPOINT_ALREADY_LISTENING', 'The app listens already, or is about to: call listen() once', 500),
  FST_ENDPOINT_CLOSED: createError('FST_ENDPOINT_CLOSED', 'The app was closed before it came to listen', 500),
  FST_ENDPOINT_UNSUPPORTED_NODE: createError('FST_ENDPOINT_UNSUPPORTED_NODE', 'This Node.js (%s) does not tell the verdict of OpenSSL on a client certificate, so nobody can be let in: use a Node.js version that the package supports', 500),

  FST_ENDPOINT_SERVER_METHOD: createError('FST_ENDPOINT_SERVER_METHOD', '%s() of the server is not for an endpoint: %s', 500),
  FST_ENDPOINT_MAX_CONNECTIONS: createError('FST_ENDPOINT_MAX_CONNECTIONS', 'maxConnections of the server must be 0, a positive integer or Infinity; undefined leaves it to the option maxConnections of the plugin', 500),
  FST_ENDPOINT_INVALID_OPTION: createError('FST_ENDPOINT_INVALID_OPTION', 'The option %s of the plugin must be %s', 500),

  // Metrics.
  FST_ENDPOINT_METRICS_UNAVAILABLE: createError('FST_ENDPOINT_METRICS_UNAVAILABLE', 'The option metrics needs the package prom-client, which cannot be loaded: install it beside fastify-endpoint, or leave the option out (%s)', 500),
  FST_ENDPOINT_METRICS_TAKEN: createError('FST_ENDPOINT_METRICS_TAKEN', 'The registry that the option metrics was given holds a metric %s already, which this copy of fastify-endpoint has not put there: give another registry', 500),

  // Opening.
  FST_ENDPOINT_ADDRESS_IN_USE: createError('FST_ENDPOINT_ADDRESS_IN_USE', '"%s" cannot be opened: %s is in use by %s', 500),
  FST_ENDPOINT_ADDRESS_FORBIDDEN: createError('FST_ENDPOINT_ADDRESS_FORBIDDEN', '"%s" cannot be opened: no permission for %s; %s', 500),
  FST_ENDPOINT_ADDRESS_UNAVAILABLE: createError('FST_ENDPOINT_ADDRESS_UNAVAILABLE', '"%s" cannot be opened: this machine has no such address: %s; give interface= an address of one of its interfaces', 500),
  FST_ENDPOINT_LISTEN: createError('FST_ENDPOINT_LISTEN', '"%s" cannot be opened at %s: %s', 500),
  FST_ENDPOINT_SOCKET_LOCKED: createError('FST_ENDPOINT_SOCKET_LOCKED', 'The unix socket %s is held by another process, says %s: stop that process, or choose another path', 500),
  FST_ENDPOINT_UNIX_IN_WORKER: createError('FST_ENDPOINT_UNIX_IN_WORKER', 'A unix socket cannot be opened in a worker thread: its mode is set through the umask, which only the main thread may change', 500),
  FST_ENDPOINT_SYSTEMD: createError('FST_ENDPOINT_SYSTEMD', '"%s" cannot be opened: %s', 500),
  FST_ENDPOINT_DESCRIPTOR_INVALID: createError('FST_ENDPOINT_DESCRIPTOR_INVALID', '"%s" cannot be opened: descriptor %d %s', 500),
  FST_ENDPOINT_DESCRIPTOR_TAKEN: createError('FST_ENDPOINT_DESCRIPTOR_TAKEN', '"%s" cannot be opened: another endpoint has, or had, descriptor %d, which can be listened on once; after close() it is gone until the process is started anew', 500),
  FST_ENDPOINT_INHERITED_IN_WORKER: createError('FST_ENDPOINT_INHERITED_IN_WORKER', '"%s" cannot be opened in a worker thread: descriptors belong to the whole process, and its main thread opens them', 500),
  FST_ENDPOINT_STDIO: createError('FST_ENDPOINT_STDIO', '"%s" cannot be opened: %s', 500),
  FST_ENDPOINT_STDIO_LOGGER: createError('FST_ENDPOINT_STDIO_LOGGER', 'The log is written to standard output, which "%s" answers on: write it elsewhere, for example Fastify({ logger: { stream: process.stderr } })', 500),
  FST_ENDPOINT_REUSE_PORT: createError('FST_ENDPOINT_REUSE_PORT', 'reusePort needs Node.js 22.12 or later; this is %s', 500),
  FST_ENDPOINT_START_TIMEOUT: createError('FST_ENDPOINT_START_TIMEOUT', 'The endpoint was not ready within %d ms: a file or folder that it names does not answer, or there is so much to read that Fastify\'s option pluginTimeout must be greater', 500),

  // Clients. These are answers: they tell the client nothing about lists and files.
  FST_ENDPOINT_CLIENT_REFUSED: createError('FST_ENDPOINT_CLIENT_REFUSED', 'The client certificate is refused', 403),
  FST_ENDPOINT_CLIENT_EXPIRED: createError('FST_ENDPOINT_CLIENT_EXPIRED', 'The client certificate has expired', 403),
  FST_ENDPOINT_HANDSHAKE_REFUSED: createError('FST_ENDPOINT_HANDSHAKE_REFUSED', 'The client is refused in its handshake: %s', 403),
  FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED: createError('FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED', 'This route demands a client certificate', 403),

  // TLS.
  FST_ENDPOINT_KEY_INVALID: createError('FST_ENDPOINT_KEY_INVALID', '%s "%s": %s', 500),
  FST_ENDPOINT_KEY_MISMATCH: createError('FST_ENDPOINT_KEY_MISMATCH', '%s: its first certificate does not belong to %s; %s', 500),
  FST_ENDPOINT_SNI_INVALID: createError('FST_ENDPOINT_SNI_INVALID', 'sni "%s": %s', 500),
  FST_ENDPOINT_CERTIFICATE_INVALID: createError('FST_ENDPOINT_CERTIFICATE_INVALID', '%s "%s": %s', 500),
  FST_ENDPOINT_PUBLIC_KEY: createError('FST_ENDPOINT_PUBLIC_KEY', 'A public key (%s) cannot be used: %s', 500),
  FST_ENDPOINT_NO_ANCHOR: createError('FST_ENDPOINT_NO_ANCHOR', 'authorities "%s": %s', 500),
  FST_ENDPOINT_ANCHORS_UNSUPPORTED: createError('FST_ENDPOINT_ANCHORS_UNSUPPORTED', 'anchors=any needs Node.js 20.18, 22.9 or later, and this is %s: use one of these, or add the root to authorities and leave anchors out', 500),
  FST_ENDPOINT_DH_INVALID: createError('FST_ENDPOINT_DH_INVALID', 'dhParameters "%s": %s', 500),
  FST_ENDPOINT_CIPHERS_INVALID: createError('FST_ENDPOINT_CIPHERS_INVALID', 'ciphers "%s": OpenSSL knows no cipher of this list; separate names with a comma or an escaped colon (\\:)', 500),
  FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE: createError('FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE', '%s "%s" leaves clients no way in: %s', 500),
  FST_ENDPOINT_TLS_INVALID: createError('FST_ENDPOINT_TLS_INVALID', 'No TLS context can be made of "%s": %s', 500),

  // Files that the string names.
  FST_ENDPOINT_FILE_UNREADABLE: createError('FST_ENDPOINT_FILE_UNREADABLE', '%s cannot be read: %s', 500),
  FST_ENDPOINT_FILE_NOT_REGULAR: createError('FST_ENDPOINT_FILE_NOT_REGULAR', '%s is %s: give a regular file', 500),
  FST_ENDPOINT_FILE_TOO_LARGE: createError('FST_ENDPOINT_FILE_TOO_LARGE', '%s is larger than the limit of %s', 500),
  FST_ENDPOINT_FILE_EMPTY: createError('FST_ENDPOINT_FILE_EMPTY', '%s is empty', 500),
  FST_ENDPOINT_FILE_CHANGED: createError('FST_ENDPOINT_FILE_CHANGED', '%s changed while it was read', 500),
  FST_ENDPOINT_FILE_INVALID: createError('FST_ENDPOINT_FILE_INVALID', '%s: %s', 500),

  // The revocation list.
  FST_ENDPOINT_DER_INVALID: createError('FST_ENDPOINT_DER_INVALID', 'A certificate or CRL is not valid DER: %s', 500),
  FST_ENDPOINT_LIST_ENCODING: createError('FST_ENDPOINT_LIST_ENCODING', '%s: %s', 500),
  FST_ENDPOINT_LIST_SYNTAX: createError('FST_ENDPOINT_LIST_SYNTAX', '%s: %s', 500),
  FST_ENDPOINT_LIST_UNKNOWN_WORD: createError('FST_ENDPOINT_LIST_UNKNOWN_WORD', '%s: %s', 500),
  FST_ENDPOINT_LIST_PATTERN: createError('FST_ENDPOINT_LIST_PATTERN', '%s: %s', 500),
  FST_ENDPOINT_LIST_MISSING: createError('FST_ENDPOINT_LIST_MISSING', '%s: %s', 500),
  FST_ENDPOINT_LIST_UNREADABLE: createError('FST_ENDPOINT_LIST_UNREADABLE', '%s: a folder that it looks into cannot be read: %s', 500),
  FST_ENDPOINT_LIST_EMPTIED: createError('FST_ENDPOINT_LIST_EMPTIED', '%s has become empty, as it does while it is being written; to revoke nobody from now on, leave a comment line in it (# none)', 500),
  FST_ENDPOINT_LIST_TOO_MANY_FILES: createError('FST_ENDPOINT_LIST_TOO_MANY_FILES', '%s: it matches more files than limits.files allows (%d)', 500),
  FST_ENDPOINT_LIST_TOO_MANY_ENTRIES: createError('FST_ENDPOINT_LIST_TOO_MANY_ENTRIES', '%s revokes more certificates than limits.entries allows (%d)', 500),
  FST_ENDPOINT_CRL_UNSIGNED: createError('FST_ENDPOINT_CRL_UNSIGNED', '%s: the CRL does not count: %s', 500),
  FST_ENDPOINT_CRL_KEPT: createError('FST_ENDPOINT_CRL_KEPT', '%s is gone, and stays in force until there is a newer one; a restart would forget it. Put the newest one of this issuer there, or take the line that named it out of the list', 500),
  FST_ENDPOINT_CRL_GIVEN_UP: createError('FST_ENDPOINT_CRL_GIVEN_UP', 'Of %s more CRLs are gone than can stay in force, among them one from %s: what they revoked is no longer revoked. Put the newest CRL of this issuer there, and restart', 500),
  FST_ENDPOINT_REVOCATION_RESTLESS: createError('FST_ENDPOINT_REVOCATION_RESTLESS', '%s has changed again and again for a minute or more: what it revoked before stays revoked. Let it rest, or replace it in one step, by a rename', 500),
  FST_ENDPOINT_LIST_UNWRITABLE: createError('FST_ENDPOINT_LIST_UNWRITABLE', '%s cannot be changed: %s', 500),

  // Revocations from Redis.
  FST_ENDPOINT_REDIS_ADDRESS: createError('FST_ENDPOINT_REDIS_ADDRESS', '%s: %s', 500),
  FST_ENDPOINT_REDIS_MISSING: createError('FST_ENDPOINT_REDIS_MISSING', 'Revocations from Redis need the package ioredis, which cannot be loaded: install it beside fastify-endpoint (%s)', 500),
  FST_ENDPOINT_REDIS_UNAVAILABLE: createError('FST_ENDPOINT_REDIS_UNAVAILABLE', '%s cannot be read or written: %s', 500),
  FST_ENDPOINT_REDIS_TOO_LARGE: createError('FST_ENDPOINT_REDIS_TOO_LARGE', '%s: %s', 500),
  FST_ENDPOINT_REDIS_MEMBER: createError('FST_ENDPOINT_REDIS_MEMBER', '%s: a member of the set revokes nobody (%d of this kind): %s', 500),
  FST_ENDPOINT_REDIS_UNMARKED: createError('FST_ENDPOINT_REDIS_UNMARKED', '%s: nothing says that the set is complete, so it may have lost entries. If it is complete as it stands, because it is new, say so with fastify-endpoint revoke --accept --to and the address', 500),
  FST_ENDPOINT_REDIS_LOST: createError('FST_ENDPOINT_REDIS_LOST', '%s: the set has lost %d entries, which nobody took out with fastify-endpoint revoke. Add them again, or say that the set is complete as it stands with fastify-endpoint revoke --accept --to and the address', 500),
  FST_ENDPOINT_REDIS_KEPT: createError('FST_ENDPOINT_REDIS_KEPT', '%s: %d entries are gone from the set, which nobody took out with fastify-endpoint revoke: they stay revoked. Add them again, or say that the set is complete as it stands with fastify-endpoint revoke --accept --to and the address', 500),
  // Sources that are no files.
  FST_ENDPOINT_SOURCE_INVALID: createError('FST_ENDPOINT_SOURCE_INVALID', '%s: %s', 500),
  FST_ENDPOINT_SOURCE_FAILED: createError('FST_ENDPOINT_SOURCE_FAILED', '%s could not be loaded: %s', 500),
  FST_ENDPOINT_SOURCE_TIMEOUT: createError('FST_ENDPOINT_SOURCE_TIMEOUT', '%s could not be loaded within %d ms', 500),
  FST_ENDPOINT_SOURCE_TOO_LARGE: createError('FST_ENDPOINT_SOURCE_TOO_LARGE', '%s holds more %s than limits.%s allows (%d)', 500),
  FST_ENDPOINT_SOURCE_INSECURE: createError('FST_ENDPOINT_SOURCE_INSECURE', '%s is plain http, or a distribution point, and holds something else than CRLs, which nobody has signed: name it in the list, with https', 500),
  FST_ENDPOINT_SOURCE_FOREIGN: createError('FST_ENDPOINT_SOURCE_FOREIGN', '%s is a distribution point of other authorities, and holds a CRL of %s, which is left out: name the point in the list, if that is meant', 500),
  FST_ENDPOINT_SOURCE_HELD: createError('FST_ENDPOINT_SOURCE_HELD', '%s holds CRLs of others, and none any more of some that it held, which stay in force; if that is meant, give the line another form (?1 at its end, say), or, where there is none, start anew without its copy in cacheDir', 500),
  FST_ENDPOINT_SOURCE_POINTS: createError('FST_ENDPOINT_SOURCE_POINTS', '%s: %s', 500),
  FST_ENDPOINT_SOURCE_KEYS: createError('FST_ENDPOINT_SOURCE_KEYS', '%s: %d of its keys are none: write tbs:…, serial:… or spki:… as the lines of a list', 500),
  FST_ENDPOINT_CACHE: createError('FST_ENDPOINT_CACHE', 'The folder %s of cacheDir cannot be used: %s', 500),
  FST_ENDPOINT_LIST_CLOSED: createError('FST_ENDPOINT_LIST_CLOSED', '%s is no longer watched', 500)
} as const

/** The names of all codes. */
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
