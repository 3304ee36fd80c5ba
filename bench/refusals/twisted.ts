/** Twisted, with a list of files that it polls: see twisted_peer.py. */
import { appendFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { PYTHON } from '../../test/support/programs.js'
import { startPeer, type PeerKind } from './peer.js'

/** Beside the TypeScript source; the compiled programs are elsewhere. */
const PROGRAM = fileURLToPath(new URL('../../../bench/refusals/twisted_peer.py', import.meta.url))

export const twisted: PeerKind = {
  name: 'Twisted, list of files',
  notice: 'a line in the list, checked every 0.1 s',
  probe: [PYTHON, '-c', 'import OpenSSL, twisted; print(twisted.__version__)'],
  debian: 'python3-twisted python3-openssl python3-service-identity',
  async start (site, cleanup) {
    const child = startPeer(cleanup, PYTHON, [PROGRAM, site.path('')])
    const [, port] = await child.prints(/^listening (\d+)$/m)
    return { port: Number(port), revoke: () => appendFile(site.path('revoked.txt'), 'mallory.pem\n') }
  }
}
