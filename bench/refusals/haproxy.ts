/** HAProxy with `crl-file`, which gets a new CRL by a reload or through its runtime API. */
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { freePort } from '../../test/support/loopback.js'
import { portOpens, startPeer, type Cleanup, type Peer, type PeerKind } from './peer.js'
import type { RefusalSite } from './site.js'

const PROGRAM = '/usr/sbin/haproxy'

function configuration (site: RefusalSite, port: number): string {
  return `
global
  stats socket ${site.path('haproxy.sock')} level admin
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen clients
  bind 127.0.0.1:${port} ssl crt ${site.path('server-both.pem')} ca-file ${site.path('ca.pem')} crl-file ${site.path('crl.pem')} verify required
  server backend 127.0.0.1:${site.backend}
`
}

async function start (way: 'reload' | 'runtime', site: RefusalSite, cleanup: Cleanup): Promise<Peer> {
  const port = await freePort()
  await writeFile(site.path('haproxy.cfg'), configuration(site, port))
  // A master and its worker, in the foreground.
  const child = startPeer(cleanup, PROGRAM, ['-W', '-db', '-f', site.path('haproxy.cfg')])
  await portOpens(port, child)
  return {
    port,
    revoke: async () => {
      await site.publishCrl()
      if (way === 'reload') return child.kill('SIGUSR2')
      const crl = site.path('crl.pem')
      const answers = [
        await command(site, `set ssl crl-file ${crl} <<\n${await readFile(crl, 'utf8')}\n`),
        await command(site, `commit ssl crl-file ${crl}\n`)
      ]
      if (!answers[1]?.includes('Success!')) throw new Error(`HAProxy did not take the CRL: ${answers.join('')}`)
    }
  }
}

/** One command of the runtime API, which closes the connection after its answer. */
async function command (site: RefusalSite, text: string): Promise<string> {
  const socket = connect(site.path('haproxy.sock'))
  let answer = ''
  socket.setEncoding('utf8').on('data', (part) => { answer += part })
  socket.end(text)
  await once(socket, 'close')
  return answer
}

function haproxy (way: 'reload' | 'runtime', notice: string): PeerKind {
  return {
    name: 'HAProxy, `crl-file`',
    notice,
    probe: [PROGRAM, '-v'],
    debian: 'haproxy',
    start: (site, cleanup) => start(way, site, cleanup)
  }
}

export const haproxyReloaded = haproxy('reload', 'new CRL, reload')
export const haproxyRuntime = haproxy('runtime', 'new CRL, runtime API')
