/**
 * The members of a set in Redis: lines as in a list, and certificates and CRLs as PEM. Any other member revokes nobody and
 * is a problem; the rest count.
 *
 * Members are immutable. A changed copy costs as much as the changes, unless one of them is not simply a key.
 */
import { parseList } from '../../list/list-file.js'
import { readRevocationFile } from '../../files/file-content.js'
import { type Key, KeyTable, type KeyTableEdit, textOf } from '../../set/key-table.js'
import { type MapEdit, PersistentMap } from '../../set/persistent-map.js'
import { errors, reasonOf } from '../../../errors.js'
import { Slices } from '../../../turns.js'

/** What the members mean. */
export interface MembersContent {
  readonly tables: readonly KeyTable[]
  /** The CRLs, as PEM. */
  readonly bytes?: Uint8Array
  readonly problems: readonly Error[]
}

/** A member that is not its own key. */
interface OtherMember {
  readonly keys: readonly Key[]
  readonly isCrl: boolean
  readonly problem?: string
}

/** The most kinds of invalid members that are reported. */
const MOST_PROBLEMS = 5
const CRL_BLOCK = /-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g

export class Members {
  static readonly none = new Members(KeyTable.empty, PersistentMap.empty(), KeyTable.empty)

  /** Those that are keys, in the form in which a list writes them. */
  readonly #keys: KeyTable
  readonly #others: PersistentMap<OtherMember>
  readonly #keysOfOthers: KeyTable

  /** @internal */
  constructor (keys: KeyTable, others: PersistentMap<OtherMember>, keysOfOthers: KeyTable) {
    this.#keys = keys
    this.#others = others
    this.#keysOfOthers = keysOfOthers
  }

  get size (): number {
    return this.#keys.size + this.#others.size
  }

  /** Whether all of them are keys, so that the keys say what the members are. */
  get areKeys (): boolean {
    return this.#others.size === 0
  }

  /**
   * The members that others are not. What both share is not compared.
   *
   * @param isMeaning whether to compare what they mean, for members of a copy, which holds nothing else
   * @returns also undefined, from time to time, so that the caller can pause
   */
  * notIn (other: Members, isMeaning = false): Generator<string | undefined> {
    for (const key of this.#keys.notIn(other.#keys)) {
      yield key === undefined || (isMeaning && other.#keysOfOthers.hasKey(key)) ? undefined : textOf(key)
    }
    if (!isMeaning) return yield * this.#others.notIn(other.#others)
    const crls = new Set([...other.#others].flatMap(([member, { isCrl }]) => isCrl ? blocksOf(member) : []))
    for (const [member] of this.#others) if (blocksOf(member).some((block) => !crls.has(block))) yield member
  }

  /** @param source what the set is called in messages */
  content (source: string): MembersContent {
    const wrong = new Map<string, number>()
    const crls: string[] = []
    for (const [member, { isCrl, problem }] of this.#others) {
      if (isCrl) crls.push(member)
      if (problem !== undefined && (wrong.has(problem) || wrong.size < MOST_PROBLEMS)) wrong.set(problem, (wrong.get(problem) ?? 0) + 1)
    }
    return {
      tables: this.#keysOfOthers.size === 0 ? [this.#keys] : [this.#keys, this.#keysOfOthers],
      ...(crls.length > 0 && { bytes: Buffer.from(crls.join('\n'), 'latin1') }),
      problems: [...wrong].map(([reason, count]) => new errors.FST_ENDPOINT_REDIS_MEMBER(source, count, reason))
    }
  }

  /**
   * @param limit the most entries that a CRL may have
   * @param expected how many members there will be, about (as many as there are)
   */
  edit (limit: number, expected?: number): MembersEdit {
    return new MembersEdit(this.#keys.edit(expected), this.#others, this.#keysOfOthers, limit)
  }

  /** The same members, sharing with others whatever is the same there. */
  async sharing (other: Members): Promise<Members> {
    return new Members(await this.#keys.sharing(other.#keys), this.#others, this.#keysOfOthers)
  }
}

/** Changes, from which other members are made. */
export class MembersEdit {
  readonly #limit: number
  readonly #keys: KeyTableEdit
  readonly #before: PersistentMap<OtherMember>
  readonly #keysOfOthers: KeyTable
  #others: MapEdit<OtherMember> | undefined

  /** @internal */
  constructor (keys: KeyTableEdit, others: PersistentMap<OtherMember>, keysOfOthers: KeyTable, limit: number) {
    this.#keys = keys
    this.#before = others
    this.#keysOfOthers = keysOfOthers
    this.#limit = limit
  }

  get size (): number {
    return this.#keys.size + (this.#others ?? this.#before).size
  }

  /** Adds a member that is a key, as nearly all are, in the same turn. @returns whether it was not there; undefined if it is no key */
  addKey (member: string): boolean | undefined {
    const isNew = this.#keys.addLine(member)
    if (isNew !== undefined) return isNew
    const key = serialOfMember(member)
    return key === undefined ? undefined : this.#keys.add(key)
  }

  /** @returns whether it was not there */
  async add (member: string): Promise<boolean> {
    const isNew = this.addKey(member)
    if (isNew !== undefined) return isNew
    if ((this.#others ?? this.#before).get(member) !== undefined) return false
    this.#others ??= this.#before.edit()
    this.#others.set(member, await readOther(member, this.#limit))
    return true
  }

  /** @returns whether it was there */
  delete (member: string): boolean {
    const wasThere = this.#keys.deleteLine(member)
    if (wasThere !== undefined) return wasThere
    const key = serialOfMember(member)
    if (key !== undefined) return this.#keys.delete(key)
    if ((this.#others ?? this.#before).get(member) === undefined) return false
    this.#others ??= this.#before.edit()
    this.#others.delete(member)
    return true
  }

  /** The changed members. Ends the edit. */
  async finish (): Promise<Members> {
    const keys = await this.#keys.finish().compact()
    if (this.#others === undefined) return new Members(keys, this.#before, this.#keysOfOthers)
    const others = this.#others.finish()
    const edit = KeyTable.empty.edit()
    const slices = new Slices()
    for (const { keys } of others.values()) {
      for (const key of keys) edit.add(key)
      if (slices.over) await slices.next()
    }
    return new Members(keys, others, await edit.finish().sharing(this.#keysOfOthers))
  }
}

/** The key that a member is, if it is a serial number that is written as a list writes it. */
function serialOfMember (member: string): Key | undefined {
  if (!member.startsWith('serial:')) return undefined
  try {
    const key = readLine(member)
    return textOf(key) === member ? key : undefined
  } catch {
    return undefined
  }
}

async function readOther (member: string, limit: number): Promise<OtherMember> {
  try {
    return member.includes('-----BEGIN') ? await readPem(member, limit) : { keys: [readLine(member)], isCrl: false }
  } catch (thrown) {
    return { keys: [], isCrl: false, problem: reasonOf(thrown) }
  }
}

function readLine (member: string): Key {
  const { entries: [entry, ...others], problems: [problem] } = parseList(Buffer.from(member), 'it')
  if (problem !== undefined) throw problem
  if (entry === undefined || others.length > 0 || !(entry.kind === 'tbs' || entry.kind === 'serial' || entry.kind === 'spki')) {
    throw new Error('it is neither a line tbs:…, serial:… or spki:…, nor a certificate or a CRL as PEM')
  }
  return { kind: entry.kind, value: entry.value }
}

async function readPem (member: string, limit: number): Promise<OtherMember> {
  const bytes = Buffer.from(member, 'latin1')
  // The signature of a CRL is verified where the set is loaded. Here it is only parsed.
  const { tbs, crls, problems } = await readRevocationFile({ bytes, what: 'it', location: {}, signers: [], limit })
  return { keys: tbs.map((value) => ({ kind: 'tbs', value })), isCrl: crls.length > 0 || problems.length > 0 }
}

function blocksOf (member: string): string[] {
  return member.match(CRL_BLOCK) ?? []
}

/** The CRLs in the bytes of a content, each as a member. */
export function crlsOf (bytes: Uint8Array): string[] {
  return blocksOf(Buffer.from(bytes).toString('latin1'))
}

/**
 * Checks what is to be written.
 *
 * @param limit the most entries that a CRL may have
 * @throws FST_ENDPOINT_REDIS_MEMBER
 */
export async function checkMembers (members: Iterable<string>, limit: number): Promise<void> {
  const edit = Members.none.edit(limit)
  for (const member of members) await edit.add(member)
  const [problem] = (await edit.finish()).content('The input').problems
  if (problem !== undefined) throw problem
}
