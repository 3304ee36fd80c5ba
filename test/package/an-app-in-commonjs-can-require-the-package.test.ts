import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { installed } from '../support/installed.js'

/** A CommonJS app as people write it, and one request to it. */
const APP = `
const { default: endpoint, serverFactory } = require('fastify-endpoint')
const { loadRevocations } = require('fastify-endpoint/revocation')
const app = require('fastify')({ serverFactory })
app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1' })
app.get('/', async () => typeof loadRevocations)
app.listen()
  .then(() => fetch('http://127.0.0.1:' + app.server.address().port))
  .then((response) => response.text())
  .then(console.log)
  .finally(() => app.close())
`

t.test('a CommonJS app requires the package and is served', async (t) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=commonjs', '--eval', APP], { cwd: installed() })
  t.equal(stdout, 'function\n')
  t.notMatch(stderr, /Error/)
})
