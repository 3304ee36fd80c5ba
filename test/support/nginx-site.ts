/** A folder of files that nginx serves over HTTP or HTTPS, and what it has answered. */
import { readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Issued } from './pki.js'
import { freePlace, startNginx, type Place } from './proxies.js'
import { makeShortFolder } from './unix-sockets.js'
import { until } from './until.js'

export interface NginxSite {
  readonly place: Place
  url (path: string): string
  /** Writes a file, with a modification time of its own. */
  put (file: string, content: Uint8Array | string): Promise<void>
  /** A line for each answer, for example `/all.crl 200 gzip`: its path, status and encoding. */
  answers (): Promise<string[]>
  /** Bytes of all answers, with their heads. */
  bytes (): Promise<number>
  /** The same, once there are so many of them: nginx writes a line after it has answered. */
  untilAnswered (count: number): Promise<string[]>
}

export interface NginxSiteOptions {
  /** More directives for the block `server`. */
  readonly directives?: string
  readonly place?: Place
  /** Makes the server from its place, for HTTPS. */
  readonly certificate?: (place: Place) => Promise<Issued>
}

let changes = 0

/** Starts nginx on a free place of loopback; it ends with the test. */
export async function startNginxSite (t: Test, { directives = '', place, certificate }: NginxSiteOptions = {}): Promise<NginxSite> {
  const folder = makeShortFolder(t)
  const at = place ?? await freePlace()
  const issued = await certificate?.(at)
  const file = (name: string): string => join(folder, name)
  if (issued !== undefined) await Promise.all([writeFile(file('server.pem'), issued.chain), writeFile(file('server.key'), issued.key)])
  await startNginx(t, `
http {
  types { application/pkix-crl crl; application/pem-certificate-chain pem; }
  log_format answers '$uri $status $sent_http_content_encoding';
  access_log ${file('access.log')} answers;
  log_format bytes '$bytes_sent';
  access_log ${file('bytes.log')} bytes;
  client_body_temp_path ${file('body')};
  proxy_temp_path ${file('proxy')};
  fastcgi_temp_path ${file('fastcgi')};
  uwsgi_temp_path ${file('uwsgi')};
  scgi_temp_path ${file('scgi')};
  server {
    listen ${at.host}:${at.port}${issued === undefined ? '' : ' ssl'};
    ${issued === undefined ? '' : `ssl_certificate ${file('server.pem')}; ssl_certificate_key ${file('server.key')};`}
    root ${folder};
    ${directives}
  }
}`)
  const answers = async (): Promise<string[]> => (await readFile(file('access.log'), 'utf8')).split('\n').slice(0, -1).map((line) => line.replace(/ -$/, ''))
  return {
    place: at,
    url: (path) => `${issued === undefined ? 'http' : 'https'}://${at.host}:${at.port}${path}`,
    put: async (name, content) => {
      await writeFile(file(name), content)
      // nginx makes its validators of whole seconds and the size.
      await utimes(file(name), 0, 1_600_000_000 + 60 * ++changes)
    },
    answers,
    bytes: async () => (await readFile(file('bytes.log'), 'utf8')).split('\n').reduce((sum, line) => sum + Number(line), 0),
    untilAnswered: (count) => until(`nginx has answered ${count} times`, async () => {
      const seen = await answers()
      return seen.length >= count && seen
    })
  }
}
