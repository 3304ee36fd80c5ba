/**
 * A distribution point: one CRL, or some, at one or more addresses of http and https, each as good as the others.
 */
import { reasonOf } from '../../../errors.js'
import type { RevocationContent, RevocationSource, RevocationSourceContext } from '../../../../types/revocation-source.js'
import { isDer } from '../../../x509/der.js'
import { HttpSource } from '../http/source.js'
import type { Reach } from '../reach.js'
import { sourceName, withoutCredentials } from '../source-name.js'

/** Milliseconds without a byte after which the next address is tried. */
const IDLE = 2000
/** Bytes that may come before a CRL in PEM. */
const HEAD = 8192

/** The address that a version is from, and its version there. */
interface Version {
  readonly index: number
  readonly version: string | undefined
}

export class PointSource implements RevocationSource {
  readonly name: string
  readonly isSignedOnly = true
  readonly #sources: readonly HttpSource[]
  readonly #log: RevocationSourceContext['log']
  /** The last logged reasons why another address than the first was used. */
  #lastReasons = ''

  /**
   * @param addresses URLs
   * @param reach which hosts an address may lead to, by its origin
   */
  constructor (addresses: readonly string[], context: RevocationSourceContext, reach: (origin: string) => Reach | undefined) {
    this.name = sourceName(addresses[0] ?? '')
    this.#log = context.log
    this.#sources = addresses.map((address) => {
      const { origin } = new URL(address)
      return new HttpSource(address, context, { reach: () => reach(origin), ...(addresses.length > 1 && { idle: IDLE }) })
    })
  }

  async load (signal: AbortSignal, known?: string): Promise<RevocationContent> {
    const before = known === undefined ? undefined : readVersion(known)
    const reasons: string[] = []
    for (const [index, source] of this.#sources.entries()) {
      try {
        const last = before?.index === index ? before.version : undefined
        const { bytes, version } = await source.load(signal, last)
        if (last !== undefined && version === last) {
          this.#logFallback(source, reasons)
          return { version: known as string }
        }
        // A server may answer with an HTML page.
        if (bytes === undefined || !isCrl(bytes)) throw new Error('its answer is not a CRL')
        this.#logFallback(source, reasons)
        return { bytes, version: JSON.stringify({ index, version } satisfies Version) }
      } catch (thrown) {
        if (signal.aborted || this.#sources.length === 1) throw thrown
        reasons.push(`${source.name}: ${withoutCredentials(reasonOf(thrown))}`)
      }
    }
    throw new Error(reasons.join('; '))
  }

  watch (onChange: () => void): void {
    for (const source of this.#sources) source.watch(onChange)
  }

  close (): void {
    for (const source of this.#sources) source.close()
  }

  #logFallback ({ name }: HttpSource, reasons: readonly string[]): void {
    const why = reasons.join('; ')
    if (why !== '' && why !== this.#lastReasons) {
      this.#log?.warn({}, `source ${this.name}: its CRL was fetched from ${name}, because another address failed (${why})`)
    }
    this.#lastReasons = why
  }
}

function isCrl (bytes: Uint8Array): boolean {
  return isDer(bytes) || Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEAD)).includes('-----BEGIN X509 CRL-----')
}

function readVersion (text: string): Version | undefined {
  try {
    const { index, version } = JSON.parse(text) as Version
    return { index, version }
  } catch {
    return undefined
  }
}
