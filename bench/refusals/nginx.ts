/** nginx with `ssl_crl`: with its defaults, and with the shared session cache that many guides recommend. */
import { writeFile } from 'node:fs/promises'
import { freePort } from '../../test/support/loopback.js'
import { portOpens, startPeer, type Cleanup, type Peer, type PeerKind } from './peer.js'
import type { RefusalSite } from './site.js'

const PROGRAM = '/usr/sbin/nginx'

function configuration (site: RefusalSite, port: number, sessions: string): string {
  const buffers = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
worker_processes 1;
pid ${site.path('nginx.pid')};
error_log ${site.path('nginx-error.log')};
events { worker_connections 256; }
http {
  access_log off;
  ${buffers.map((name) => `${name}_temp_path ${site.path(`nginx-${name}`)};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${site.path('server.pem')};
    ssl_certificate_key ${site.path('server.key')};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_client_certificate ${site.path('ca.pem')};
    ssl_crl ${site.path('crl.pem')};
    ssl_verify_client on;
    ${sessions}
    location / {
      proxy_pass http://127.0.0.1:${site.backend};
      proxy_http_version 1.1;
      proxy_buffering off;
    }
  }
}
`
}

async function start (sessions: string, site: RefusalSite, cleanup: Cleanup): Promise<Peer> {
  const port = await freePort()
  await writeFile(site.path('nginx.conf'), configuration(site, port, sessions))
  const child = startPeer(cleanup, PROGRAM, ['-e', site.path('nginx-error.log'), '-c', site.path('nginx.conf')])
  await portOpens(port, child)
  return {
    port,
    revoke: async () => {
      await site.publishCrl()
      // What `nginx -s reload` does.
      child.kill('SIGHUP')
    }
  }
}

function nginx (name: string, sessions: string): PeerKind {
  return {
    name,
    notice: 'new CRL, reload',
    probe: [PROGRAM, '-v'],
    debian: 'nginx-light',
    start: (site, cleanup) => start(sessions, site, cleanup)
  }
}

export const nginxAsItComes = nginx('nginx, `ssl_crl`', '')
export const nginxSharedSessions = nginx('nginx, `ssl_crl`, `ssl_session_cache shared`', 'ssl_session_cache shared:sessions:1m; ssl_session_tickets off;')
