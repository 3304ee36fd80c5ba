/**
 * nginx and HAProxy as servers of mutual TLS that answer by themselves: one worker, no access log, everything that is not
 * about certificates and sessions at its default. Sessions are resumed with tickets, if at all.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { HAPROXY, NGINX } from '../../test/support/programs.js'

export interface ProxyOptions {
  /** Gives the path of a file. There are ca.pem, server.pem and server.key; what the program writes comes there too. */
  path (file: string): string
  /** The port of the loopback interface, or the path of a unix socket. */
  readonly listen: number | string
  /** The CRL in PEM. */
  readonly crl: string | undefined
  readonly tickets: boolean
  readonly protocols: readonly ['TLSv1.3'] | readonly ['TLSv1.2', 'TLSv1.3']
  /** A command before the program's own. */
  readonly prefix?: readonly string[]
}

/** The body of all servers. */
export const BODY = 'served'
/** Seconds for which they keep an idle connection: longer than the turns of all others. */
export const KEPT = 600

export function startNginx ({ path, listen, crl, tickets, protocols, prefix = [] }: ProxyOptions): ChildProcess {
  writeFileSync(path('nginx.conf'), `
daemon off; worker_processes 1; pid ${path('nginx.pid')}; error_log ${path('nginx.log')};
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 256; }
http {
  access_log off; server_tokens off; keepalive_requests 100000000; keepalive_timeout ${KEPT}s ${KEPT}s;
  default_type 'text/plain; charset=utf-8';
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${path(`nginx-${name}`)};`).join(' ')}
  server {
    listen ${typeof listen === 'number' ? `127.0.0.1:${listen}` : `unix:${listen}`} ssl;
    ssl_protocols ${protocols.join(' ')}; ssl_ecdh_curve X25519:prime256v1; ssl_session_tickets ${tickets ? 'on' : 'off'};
    ssl_certificate ${path('server.pem')}; ssl_certificate_key ${path('server.key')};
    ssl_verify_client on; ssl_client_certificate ${path('ca.pem')}; ${crl === undefined ? '' : `ssl_crl ${crl};`}
    location / { return 200 ${BODY}; }
  }
}`)
  return start(prefix, NGINX, ['-e', path('nginx.log'), '-c', path('nginx.conf')])
}

export function startHaproxy ({ path, listen, crl, tickets, protocols, prefix = [] }: ProxyOptions): ChildProcess {
  writeFileSync(path('pair.pem'), readFileSync(path('server.pem'), 'utf8') + readFileSync(path('server.key'), 'utf8'))
  const [oldest] = protocols
  // Its own choice is P-256, which costs another round trip, since clients prefer X25519. The headers make the responses as long as those of the others.
  writeFileSync(path('haproxy.cfg'), `
global
  nbthread 1
defaults
  mode http
  timeout client ${KEPT}s
  timeout http-keep-alive ${KEPT}s
frontend f
  bind ${typeof listen === 'number' ? `127.0.0.1:${listen}` : `unix@${listen}`} ssl crt ${path('pair.pem')} ca-file ${path('ca.pem')} ${crl === undefined ? '' : `crl-file ${crl}`} verify required curves X25519:P-256 alpn http/1.1 ssl-min-ver ${oldest} ${tickets ? '' : 'no-tls-tickets'}
  http-request return status 200 content-type "text/plain; charset=utf-8" string ${BODY} hdr Date "Thu, 01 Jan 2026 00:00:00 GMT" hdr Server haproxy hdr Keep-Alive timeout=${KEPT}
`)
  return start(prefix, HAPROXY, ['-W', '-db', '-f', path('haproxy.cfg')])
}

function start (prefix: readonly string[], program: string, args: readonly string[]): ChildProcess {
  const [command, ...rest] = [...prefix, program, ...args] as [string, ...string[]]
  return spawn(command, rest, { stdio: 'ignore' })
}
