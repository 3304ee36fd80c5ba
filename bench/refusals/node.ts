/** Our server, and Node's own with the option `crl`. */
import { appendFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { startPeer, type Cleanup, type Peer, type PeerKind } from './peer.js'
import type { RefusalSite } from './site.js'

const probe = [process.execPath, '--version'] as const

async function start (side: 'ours' | 'https', site: RefusalSite, cleanup: Cleanup): Promise<Peer> {
  const child = startPeer(cleanup, process.execPath, [fileURLToPath(new URL('node-server.js', import.meta.url)), side, site.path('')])
  const [, port] = await child.prints(/^listening (\d+)$/m)
  return {
    port: Number(port),
    revoke: async () => {
      if (side === 'ours') return await appendFile(site.path('revoked.txt'), 'mallory.pem\n')
      await site.publishCrl()
      child.kill('SIGHUP')
    }
  }
}

export const ours: PeerKind = {
  name: 'fastify-endpoint',
  notice: 'a line in the list',
  probe,
  start: (site, cleanup) => start('ours', site, cleanup)
}

export const nodeHttps: PeerKind = {
  name: 'Node.js `https`, `crl`',
  notice: 'new CRL, `setSecureContext()`',
  probe,
  start: (site, cleanup) => start('https', site, cleanup)
}
