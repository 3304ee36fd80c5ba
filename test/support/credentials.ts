/** Credential files that are wrong in one way, and what the package says of them. */
import { writeFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { makeSite, type Site } from './mutual-tls.js'

/** One wrong file of a site. */
export interface WrongFile {
  /** What is wrong, as a sentence. */
  readonly title: string
  /** The file in the site's folder that is overwritten; undefined where the argument itself is wrong. */
  readonly file?: string
  readonly content?: string | Uint8Array | ((site: Site) => string | Uint8Array | Promise<string | Uint8Array>)
  /** The endpoint's arguments instead of the site's usual ones. */
  readonly extra?: (site: Site) => string
  readonly code: string
  readonly message: RegExp
  /** The argument that the error names. */
  readonly argument: string
}

/** Loads a site's credentials with one file wrong, for each row. */
export function refuseEach (t: Test, rows: readonly WrongFile[]): void {
  for (const { title, file, content, extra, code, message, argument } of rows) {
    t.test(title, async (t) => {
      const site = await makeSite(t)
      if (file !== undefined && content !== undefined) {
        await writeFile(site.path(file), typeof content === 'function' ? await content(site) : content)
      }
      const endpoint = parseEndpoint(site.endpoint(extra?.(site))) as TlsEndpoint
      await t.rejects(loadCredentials(endpoint), { code, message, argument })
    })
  }
}
