/**
 * A distribution point: one CRL, or some, at one or more addresses of http and https, each as good as the others.
 */
import { reasonOf } from '../../../errors.js'
import type { RevocationContent, RevocationSource, RevocationSourceContext } from '../../../../types/revocation-source.js'
import { isDer } from '../../../x509/der.js'
import { HttpSource } from '../http/source.js'
import type { Reach } from '../http/request.js'
import { sourceName, withoutCredentials } from '../source-name.js'

/** Milliseconds without a byte after which the next address is asked, where there is one. */
const IDLE = 2000
/** Bytes of text before a CRL in PEM. */
const HEAD = 8192

/** Of which address a state is, and what that is called there. */
interface Version {
  readonly index: number
  readonly version: string | undefined
}

export class PointSource implements RevocationSource {
  readonly name: string
  readonly isSignedOnly = true
  readonly #sources: readonly HttpSource[]
  readonly #log: RevocationSourceContext['log']
  /** Why the CRL was had from another address than the first, as it was told of. */
  #told = ''

  /**
   * @param addresses URLs
   * @param reach where one of them may lead, by its origin
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
          this.#tell(source, reasons)
          return { version: known as string }
        }
        // A page that says that the server has moved is no CRL either.
        if (bytes === undefined || !isCrl(bytes)) throw new Error('it answers with something that is no CRL')
        this.#tell(source, reasons)
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

  #tell ({ name }: HttpSource, reasons: readonly string[]): void {
    const why = reasons.join('; ')
    if (why !== '' && why !== this.#told) this.#log?.warn({}, `source ${this.name}: its CRL was had from ${name}, since another of its addresses fails (${why})`)
    this.#told = why
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
