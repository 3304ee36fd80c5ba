/** Strings to typed descriptions: one endpoint for each type, and haproxy, which wraps another. */
import type { Endpoint, HaproxyEndpoint } from '../../types/endpoint.js'
import { signatures, typeNames } from './argument-table.js'
import { bind, conflicting, read } from './bind.js'
import { fault } from './fault.js'
import { fd, stdio, systemd, tcp, tcp6, unix } from './sockets.js'
import { ssl, tls } from './tls.js'
import { segmentsOf, sourceOf } from './tokenize.js'
import { findType, type Description, type Typed } from './type-name.js'
import type { UnwrappedEndpoint } from './unwrap.js'

/** The types that haproxy can wrap. */
const WRAPPABLE = typeNames.filter((type) => type !== 'stdio' && type !== 'haproxy')

/**
 * Parses an endpoint string. It checks everything that the string alone shows: types, names, numbers and their ranges, and
 * arguments that contradict each other or have no effect. It reads no file.
 *
 * The grammar and the arguments of tcp, tcp6, unix, ssl, systemd and haproxy are those of Twisted
 * (twisted.internet.endpoints, `serverFromString`), but nothing in the string is ignored.
 *
 * @throws FST_ENDPOINT_SYNTAX if it is not a string, or ends with a single `\`
 * @throws FST_ENDPOINT_UNKNOWN_TYPE if there is no such type, or none is given
 * @throws FST_ENDPOINT_UNKNOWN_ARGUMENT for a keyword that the type does not have
 * @throws FST_ENDPOINT_MISSING_ARGUMENT if a required argument is absent
 * @throws FST_ENDPOINT_REPEATED_ARGUMENT for a keyword that is given twice, or once more by its position
 * @throws FST_ENDPOINT_TOO_MANY_ARGUMENTS for a positional argument that the type does not have
 * @throws FST_ENDPOINT_INVALID_ARGUMENT for a value that the argument does not take
 * @throws FST_ENDPOINT_CONFLICTING_ARGUMENTS for arguments that exclude each other or have no effect
 */
export function parseEndpoint (text: string): Endpoint {
  const source = sourceOf(text)
  return parse({ source, segments: segmentsOf(source), text })
}

function parse (description: Description): Endpoint {
  const typed = findType(description)
  return typed.type === 'haproxy' ? haproxy(description, typed) : unwrapped(description, typed)
}

function unwrapped ({ source, text }: Description, { type, head, rest }: Typed): UnwrappedEndpoint {
  switch (type) {
    case 'tcp': return tcp(bind(source, type, head, rest, text))
    case 'tcp6': return tcp6(bind(source, type, head, rest, text))
    case 'unix': return unix(bind(source, type, head, rest, text))
    case 'ssl': return ssl(bind(source, type, head, rest, text))
    case 'tls': return tls(bind(source, type, head, rest, text))
    case 'stdio': return stdio(bind(source, type, head, rest, text))
    case 'systemd': return systemd(bind(source, type, head, rest, text))
    case 'fd': return fd(bind(source, type, head, rest, text))
    case 'haproxy': throw fault(source, 'FST_ENDPOINT_CONFLICTING_ARGUMENTS', head.start, undefined,
      'haproxy: cannot wrap haproxy, since a connection has one PROXY header: remove one of them')
  }
}

/** The segments of a wrapped description are those of the whole, less the type and proxyFrom. */
function haproxy ({ source, text }: Description, { head, rest }: Typed): HaproxyEndpoint {
  const own = rest.filter(({ key }) => key === 'proxyFrom')
  const others = rest.filter(({ key }) => key !== 'proxyFrom')
  const bound = bind(source, 'haproxy', head, own, text)
  const { proxyFrom } = read(bound)
  // findType would report that the type is missing, although the string has one.
  if (!others.some(({ key }) => key === undefined)) {
    throw fault(source, 'FST_ENDPOINT_UNKNOWN_TYPE', head.start, undefined,
      `haproxy: it wraps another endpoint, which is missing: write for example ${signatures.haproxy.example}`)
  }
  const inner = { source, segments: others, text: others.map(({ start, end }) => source.text.slice(start, end)).join(':') }
  const typed = findType(inner, WRAPPABLE)
  const wrapped = unwrapped(inner, typed)
  if (wrapped.type === 'stdio') {
    throw fault(source, 'FST_ENDPOINT_CONFLICTING_ARGUMENTS', typed.head.start, undefined,
      'haproxy: cannot wrap stdio, since no proxy connects to it')
  }
  if (proxyFrom === undefined) return { type: 'haproxy', description: text, wrapped }
  if (isLocal(wrapped)) {
    throw conflicting(
      bound,
      'proxyFrom',
      'proxyFrom has no effect on a unix socket, whose clients have no address: its mode decides who may connect'
    )
  }
  return { type: 'haproxy', description: text, proxyFrom, wrapped }
}

/** Whether clients connect through a unix socket. */
function isLocal (endpoint: Endpoint): boolean {
  if (endpoint.type === 'tls' && endpoint.transport !== undefined) return isLocal(endpoint.transport)
  return endpoint.type === 'unix' || (endpoint.type === 'systemd' && endpoint.domain === 'UNIX')
}
