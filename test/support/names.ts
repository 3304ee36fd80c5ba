/** A folder of certificates by server name. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { quoteEndpointArgument } from '../../lib/index.js'
import type { Site } from './mutual-tls.js'
import type { Issued } from './pki.js'

export interface NamesSite {
  /** The string of the site's endpoint with the folder. */
  readonly endpoint: string
  readonly folder: string
  /** Issues a certificate for a host and puts it in the folder, under its own name or another. */
  put (host: string, fileName?: string): Promise<Issued>
  remove (fileName: string): Promise<void>
}

export async function withNames (site: Site, ...hosts: string[]): Promise<NamesSite> {
  const folder = site.path('sni')
  await mkdir(folder)
  const put = async (host: string, fileName = `${host}.pem`): Promise<Issued> => {
    const issued = await site.ca.issue({ name: host, usage: 'server', dnsNames: [host] })
    await writeFile(site.path('new.pem'), issued.key + issued.chain)
    await rename(site.path('new.pem'), `${folder}/${fileName}`)
    return issued
  }
  for (const host of hosts) await put(host)
  return {
    endpoint: `${site.endpoint()}:sni=${quoteEndpointArgument(folder)}`,
    folder,
    put,
    remove: (fileName) => rm(`${folder}/${fileName}`)
  }
}
