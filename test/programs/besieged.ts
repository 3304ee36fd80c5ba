/**
 * An app on the endpoints of the JSON in its first argument, with the options of the plugin beside them. Its log
 * goes to standard output. A line on standard input is obeyed, and answered by `done`: `hoard` opens descriptors
 * until there are no more, `release` closes them.
 */
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import Fastify from 'fastify'
import endpoint, { serverFactory, type EndpointOptions } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const app = Fastify({ pluginTimeout: PATIENCE, serverFactory, logger: { level: 'info' } })
app.get('/', async () => 'ok')
await app.register(endpoint, JSON.parse(process.argv[2] ?? '{}') as EndpointOptions)
await app.listen()
console.log(`ports ${app.endpoint.listeners.map(({ address }) => typeof address === 'object' ? address?.port : 0).join()}`)

const hoarded: number[] = []
createInterface(process.stdin).on('line', (line) => {
  if (line === 'hoard') {
    try {
      while (true) hoarded.push(openSync('/dev/null', 'r'))
    } catch {}
  } else for (const fileno of hoarded.splice(0)) closeSync(fileno)
  console.log(`done ${line}`)
})
