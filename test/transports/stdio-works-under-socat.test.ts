import { join } from 'node:path'
import t from 'tap'
import { Child } from '../support/children.js'
import { ask, compiled } from '../support/inherited.js'
import { Peer } from '../support/peer.js'
import { hasProgram } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const command = compiled('one-connection')

for (const [title, options] of [['one socket', ''], ['two pipes', ',pipes']] as const) {
  t.test(`under socat EXEC with ${title} a connection is served, request after request`, async (t) => {
    if (!hasProgram(t, 'socat')) return
    const path = join(makeShortFolder(t), 's')
    // socat splits its addresses at colons and commas.
    const child = new Child(t, 'socat', ['-d', '-d', `UNIX-LISTEN:${path},fork`, `SYSTEM:exec $COMMAND${options}`], { env: { ...process.env, COMMAND: command.join(' ') } })
    await child.prints(/listening on/)
    t.equal((await ask({ socketPath: path })).status, 200)
    const peer = await Peer.connect(t, path)
    t.equal(pidIn(await peer.get()), pidIn(await peer.get()))
    peer.socket.end()
    await peer.closed
  })
}

function pidIn (answer: string): string | undefined {
  return /"pid":(\d+)/.exec(answer)?.[1]
}
