/**
 * The line `cdp:` of a list: the distribution points that its authorities name, and those named by the CRLs fetched so
 * far.
 *
 * An authority chooses the URLs that this process requests, and its operator may be a stranger. So the number of points
 * and of steps from one to the next is limited. Loopback and link-local addresses are out of reach, unless the list
 * names the server itself.
 */
import { errors } from '../../../errors.js'
import type { RevocationSource, RevocationSourceContext } from '../../../../types/revocation-source.js'
import { nameText } from '../../../x509/name.js'
import type { VerifiedCrl } from '../../crl/series.js'
import type { Authorities, ReachedAnchors } from '../../../x509/authorities.js'
import { readCertificate } from '../../../x509/der.js'
import type { Reach } from '../reach.js'
import { type Holding, mayHold, type NamedPoint, type NamedPoints, pointsOfAuthority, pointsOfCrl } from './named-points.js'
import { PointSource } from './source.js'
import { visible } from '../../../text/printable.js'

/** The line, and the prefix of points in `LineSources`. */
export const CDP = 'cdp:'
/** Distribution points of one list. */
const MOST_POINTS = 64
/** From an authority to a CRL, from there to its delta CRL, and one more. */
const MOST_STEPS = 3

const TOO_MANY = `more than ${MOST_POINTS} distribution points are named, and the others are not followed: give the CRLs lines of their own`
const NO_POINT = 'no authority names a distribution point with an address of http or https, so nothing is followed'
const REACH: Reach = { kinds: new Set(['public', 'private']), who: 'an authority names an address that leads' }

export class LinePoints {
  readonly #authorities: Authorities
  readonly #anchors: ReachedAnchors
  #ofAuthorities: readonly NamedPoint[] | undefined
  readonly #othersOfAuthorities = new Set<string>()
  readonly #broken: Error[] = []
  #holdings = new Map<string, Holding[]>()
  #servers: ReadonlySet<string> = new Set()
  #problems: readonly Error[] = []
  #warnings: readonly string[] = []

  constructor (authorities: Authorities) {
    this.#authorities = authorities
    this.#anchors = authorities.reachedAnchors()
  }

  /** Why points that should be followed are not: FST_ENDPOINT_SOURCE_POINTS. */
  get problems (): readonly Error[] {
    return this.#problems
  }

  /** Points that are not followed, and need not be. */
  get warnings (): readonly string[] {
    return this.#warnings
  }

  /**
   * Finds the points again.
   *
   * @param where the line, for messages
   * @param lines the other lines that name sources
   * @param crlsOf the CRLs from a line or a point
   */
  find (where: string, lines: readonly string[], crlsOf: (value: string) => readonly VerifiedCrl[]): string[] {
    const addresses = new Set(lines.flatMap(urlOf).map(({ href }) => href))
    this.#servers = new Set(lines.flatMap(urlOf).map(({ origin }) => origin))
    const found = new Map<string, Holding[]>()
    const followed = new Set(addresses)
    const others = new Set<string>()
    let isTooMany = false
    let isTooFar = false
    let crls = lines.flatMap(crlsOf)
    let named = this.#namedByAuthorities(others)
    for (let step = 0; crls.length + named.length > 0; step++) {
      const added: string[] = []
      const all = [...named, ...crls.flatMap((crl) => collectPoints(pointsOfCrl(crl, this.#anchors), visible(crl.crl.issuerText), others))]
      for (const { addresses: own, holding, isOwn } of all) {
        // Skip addresses that a line of the list already names, and the address that a fetched CRL
        // came from.
        if (own.some((address) => (isOwn ? followed : addresses).has(address))) continue
        const value = `${CDP}${own.join(' ')}`
        const known = found.get(value)
        if (known !== undefined) known.push(holding)
        else if (step >= MOST_STEPS) isTooFar = true
        else if (found.size >= MOST_POINTS) isTooMany = true
        else {
          found.set(value, [holding])
          added.push(value)
          for (const address of own) followed.add(address)
        }
      }
      named = []
      crls = added.flatMap(crlsOf)
    }
    this.#holdings = found
    this.#problems = [
      ...this.#broken.map(({ message }) => {
        return new errors.FST_ENDPOINT_SOURCE_POINTS(where, `the certificate of an authority cannot be read: ${message}`)
      }),
      ...isTooMany ? [new errors.FST_ENDPOINT_SOURCE_POINTS(where, TOO_MANY)] : []
    ]
    this.#warnings = [
      ...[...others].map((other) => `${where}: ${other}, which is not followed`),
      ...isTooFar ? [`${where}: CRLs name further CRLs in more than ${MOST_STEPS} steps, which are not followed`] : [],
      ...found.size === 0 && addresses.size === 0 ? [`${where}: ${NO_POINT}`] : []
    ]
    return [...found.keys()]
  }

  /** Makes the source of a point. */
  open (value: string, context: RevocationSourceContext): RevocationSource {
    return new PointSource(value.slice(CDP.length).split(' '), context, (origin) => this.#servers.has(origin) ? undefined : REACH)
  }

  /** Makes a filter for the CRLs that a point may hold. */
  filterFor (value: string): (crl: VerifiedCrl) => boolean {
    let last: readonly Holding[] = []
    return (crl) => {
      last = this.#holdings.get(value) ?? last
      return mayHold(last, crl, this.#anchors)
    }
  }

  #namedByAuthorities (others: Set<string>): NamedPoint[] {
    this.#ofAuthorities ??= this.#authorities.all.flatMap((signer) => {
      const { raw } = signer.x509
      try {
        const name = visible(nameText(raw, readCertificate(raw).subject))
        return collectPoints(pointsOfAuthority(signer, this.#anchors), name, this.#othersOfAuthorities)
      } catch (thrown) {
        this.#broken.push(thrown as Error)
        return []
      }
    })
    for (const other of this.#othersOfAuthorities) others.add(other)
    return [...this.#ofAuthorities]
  }
}

/** The points; adds each ignored one to `ignored`, with the authority that names it. */
function collectPoints ({ points, others }: NamedPoints, who: string, ignored: Set<string>): readonly NamedPoint[] {
  for (const other of others) if (ignored.size < MOST_POINTS) ignored.add(`${who} names ${other}`)
  return points
}

/** The URL of a line, if it is http or https. */
function urlOf (line: string): URL[] {
  const url = URL.canParse(line) ? new URL(line) : undefined
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? [url] : []
}
