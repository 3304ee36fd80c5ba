/**
 * Pebble, a directory for tests, on free ports of loopback, and a DNS server that gives 127.0.0.1 for every name. It validates
 * for real, on the ports that a test gives it.
 */
import { writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import type { Test } from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { Child } from './children.js'
import { freePort } from './loopback.js'
import { createAuthority } from './pki.js'
import { makeShortFolder } from './unix-sockets.js'
import { until } from './until.js'

export interface RunningPebble {
  /** The URL of the directory. */
  readonly directory: string
  /** Path of the root for the directory itself. */
  readonly ca: string
  /** Where it validates. */
  readonly tlsPort: number
  readonly httpPort: number
  readonly child: Child
  /** The root of the certificates that it issues, in PEM. */
  root (): Promise<string>
  /** Arguments of an endpoint that orders here. */
  arguments (names: string, store: string): string
}

interface PebbleOptions {
  /** Further variables, for example PEBBLE_WFE_NONCEREJECT. */
  readonly env?: Readonly<Record<string, string>>
  /** MAC keys by identifier; then accounts must be bound. */
  readonly bindings?: Readonly<Record<string, string>>
  readonly ports?: { readonly tlsPort: number, readonly httpPort: number, readonly listen: number }
}

export async function startPebble (t: Test, { env = {}, bindings, ports }: PebbleOptions = {}): Promise<RunningPebble> {
  const folder = makeShortFolder(t)
  const [listen, management, tlsPort, httpPort, dns, dnsManagement] =
    await Promise.all(Array.from({ length: 6 }, () => freePort())) as [number, number, number, number, number, number]
  const authority = await createAuthority({ name: 'Pebble CA' })
  const own = await authority.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
  const path = (name: string): string => join(folder, name)
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${ports?.listen ?? listen}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: path('pebble.pem'),
      privateKey: path('pebble.key'),
      httpPort: ports?.httpPort ?? httpPort,
      tlsPort: ports?.tlsPort ?? tlsPort,
      ocspResponderURL: '',
      externalAccountBindingRequired: bindings !== undefined,
      ...bindings !== undefined && { externalAccountMACKeys: bindings }
    }
  }
  await Promise.all([
    writeFile(path('pebble.json'), JSON.stringify(config)),
    writeFile(path('pebble.pem'), own.chain),
    writeFile(path('pebble.key'), own.key),
    writeFile(path('pebble-ca.pem'), authority.certificate)
  ])
  const resolver = new Child(t, 'pebble-challtestsrv', [
    '-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${dnsManagement}`, '-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', ''
  ])
  await resolver.prints(/Starting challenge servers/)
  const child = new Child(t, 'pebble', ['-config', path('pebble.json'), '-dnsserver', `127.0.0.1:${dns}`], {
    env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', ...env }
  })
  await child.prints(/ACME directory available/)
  const get = (url: string): Promise<string> => new Promise((resolve, reject) => {
    request(url, { ca: authority.certificate }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => { text += piece }).on('end', () => { resolve(text) })
    }).on('error', reject).end()
  })
  const directory = `https://127.0.0.1:${config.pebble.listenAddress.split(':')[1]}/dir`
  await until('Pebble answers', () => get(directory).then(() => true, () => false))
  return {
    directory,
    ca: path('pebble-ca.pem'),
    tlsPort: config.pebble.tlsPort,
    httpPort: config.pebble.httpPort,
    child,
    root: () => get(`https://127.0.0.1:${management}/roots/0`),
    arguments: (names, store) => [
      `acme=${names}`, `acmeDirectory=${quoteEndpointArgument(directory)}`, `acmeCa=${quoteEndpointArgument(path('pebble-ca.pem'))}`,
      `acmeStore=${quoteEndpointArgument(store)}`, 'acmeTerms=agreed'
    ].join(':')
  }
}
