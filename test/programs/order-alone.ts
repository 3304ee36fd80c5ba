/**
 * Orders a certificate for an endpoint string, as fast as it can be tested, once a line comes in. It prints what happens, a line of JSON
 * each: the log, the problems after each attempt, and the certificate.
 */
import { once } from 'node:events'
import { parseEndpoint } from '../../lib/index.js'
import { AcmeSource } from '../../lib/acme/acme-source.js'
import type { AcmeArguments, TlsEndpoint } from '../../types/endpoint.js'
import { FAST } from '../support/fake-directory.js'

const endpoint = process.argv[2] as string
const print = (line: object): void => { console.log(JSON.stringify(line)) }
const log = (_fields: object, msg: string): void => { print({ msg }) }
try {
  const source = await AcmeSource.open({
    settings: (parseEndpoint(endpoint) as TlsEndpoint).acme as AcmeArguments,
    endpoint,
    now: Date.now,
    timing: FAST,
    types: ['http-01'],
    log: { debug: log, info: log, warn: log, error: log }
  })
  source.events.on('attempted', () => {
    // The store has failed only when the attempt is over.
    setImmediate(() => { print({ attempted: source.problems.map(({ message }) => message) }) })
  })
  source.onChange(() => { print({ issued: source.current()?.names }) })
  print({ opened: true })
  process.stdin.once('data', () => { source.begin() })
  await once(process.stdin, 'end')
} catch (thrown) {
  const { code, message } = thrown as NodeJS.ErrnoException
  print({ code, message })
}
