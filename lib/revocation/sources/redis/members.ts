/**
 * Reads the members of a set in Redis: lines as in a list, and certificates and CRLs as PEM. Any other member revokes
 * nobody and is a problem; the rest count.
 */
import { HASH_KEY, parseList } from '../../list/list-file.js'
import { readRevocationFile } from '../../files/file-content.js'
import { errors, reasonOf } from '../../../errors.js'

export interface MembersContent {
  readonly keys: readonly string[]
  /** The CRLs, as PEM. */
  readonly bytes?: Uint8Array
  readonly problems: readonly Error[]
}

/** The most kinds of invalid members that are reported. */
const MOST_PROBLEMS = 5

export class MemberReader {
  readonly #limit: number
  readonly #keys: string[] = []
  readonly #crls: string[] = []
  /** How often something was wrong, by what it was. */
  readonly #wrong = new Map<string, number>()

  /** @param limit the most entries that a CRL may have */
  constructor (limit: number) {
    this.#limit = limit
  }

  async add (member: string): Promise<void> {
    if (HASH_KEY.test(member)) {
      this.#keys.push(member)
      return
    }
    try {
      const { keys, hasCrls } = member.includes('-----BEGIN') ? await readPem(member, this.#limit) : readLine(member)
      this.#keys.push(...keys)
      if (hasCrls) this.#crls.push(member)
    } catch (thrown) {
      const reason = reasonOf(thrown)
      if (this.#wrong.has(reason) || this.#wrong.size < MOST_PROBLEMS) this.#wrong.set(reason, (this.#wrong.get(reason) ?? 0) + 1)
    }
  }

  /** @param source what the set is called in messages */
  content (source: string): MembersContent {
    return {
      keys: this.#keys,
      ...(this.#crls.length > 0 && { bytes: Buffer.from(this.#crls.join('\n'), 'latin1') }),
      problems: [...this.#wrong].map(([reason, count]) => new errors.FST_ENDPOINT_REDIS_MEMBER(source, count, reason))
    }
  }
}

interface ReadMember {
  readonly keys: readonly string[]
  readonly hasCrls: boolean
}

function readLine (member: string): ReadMember {
  const { entries: [entry, ...others], problems: [problem] } = parseList(Buffer.from(member), 'it')
  if (problem !== undefined) throw problem
  if (entry === undefined || others.length > 0 || !(entry.kind === 'tbs' || entry.kind === 'serial' || entry.kind === 'spki')) {
    throw new Error('it is neither a line tbs:…, serial:… or spki:…, nor a certificate or a CRL as PEM')
  }
  return { keys: [`${entry.kind}:${entry.value}`], hasCrls: false }
}

async function readPem (member: string, limit: number): Promise<ReadMember> {
  const bytes = Buffer.from(member, 'latin1')
  // The signature of a CRL is verified where the set is loaded. Here it is only parsed.
  const { tbs, crls, problems } = await readRevocationFile({ bytes, what: 'it', location: {}, signers: [], limit })
  return { keys: tbs.map((value) => `tbs:${value}`), hasCrls: crls.length > 0 || problems.length > 0 }
}
