/** Starts Pebble and its DNS server on free ports of loopback, with a certificate of their own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface Pebble {
  /** The URL of the directory. */
  readonly directory: string
  /** Path of the root that the directory itself is verified with. */
  readonly ca: string
  /** Where it expects endpoints with tls-alpn-01, in place of 443. */
  readonly tlsPort: number
  /** Writes the root of the certificates that it issues into a file. Pebble makes a new one at each start. */
  saveRoot (): Promise<string>
  stop (): void
}

export async function startPebble (folder: string): Promise<Pebble> {
  mkdirSync(folder, { recursive: true })
  const path = (file: string) => join(folder, file)
  const [listen, management, tlsPort, httpPort, dns, dnsManagement] = await freePorts(6) as [number, number, number, number, number, number]
  const openssl = spawnSync('openssl', [
    'req', '-x509', '-newkey', 'rsa:2048', '-noenc', '-keyout', path('pebble.key'), '-out', path('pebble.pem'),
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  ])
  if (openssl.status !== 0) throw new Error(`openssl failed: ${openssl.stderr}`)
  writeFileSync(path('pebble.json'), JSON.stringify({
    pebble: {
      listenAddress: `127.0.0.1:${listen}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: path('pebble.pem'),
      privateKey: path('pebble.key'),
      httpPort,
      tlsPort,
      ocspResponderURL: '',
      externalAccountBindingRequired: false
    }
  }))
  const children = [
    start('pebble-challtestsrv', [
      '-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${dnsManagement}`, '-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', ''
    ]),
    start('pebble', ['-config', path('pebble.json'), '-dnsserver', `127.0.0.1:${dns}`])
  ]
  const stop = () => { for (const child of children) child.kill() }
  process.once('exit', stop)
  await Promise.all([printed(children[0] as ChildProcess, /Starting challenge servers/), printed(children[1] as ChildProcess, /ACME directory available/)])
  return {
    directory: `https://127.0.0.1:${listen}/dir`,
    ca: path('pebble.pem'),
    tlsPort,
    async saveRoot () {
      writeFileSync(path('root.pem'), await get(`https://127.0.0.1:${management}/roots/0`, readFileSync(path('pebble.pem'))))
      return path('root.pem')
    },
    stop
  }
}

function start (command: string, args: string[]): ChildProcess {
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PEBBLE_VA_NOSLEEP: '1' } })
}

/** Waits until a program prints something; then its output is dropped. */
async function printed (child: ChildProcess, pattern: RegExp): Promise<void> {
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < 100_000) output += text
        if (pattern.test(output)) resolve()
      })
    }
    child.once('error', ({ message }) => { reject(new Error(`${message}: install the Debian package pebble`)) })
    child.once('exit', () => { reject(new Error(`it has ended: ${output}`)) })
  })
}

async function freePorts (count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => { server.close(resolve) })))
  return ports
}

function get (url: string, ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { ca }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => { text += piece }).on('end', () => { resolve(text) })
    }).on('error', reject).end()
  })
}
