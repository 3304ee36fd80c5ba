/**
 * A list whose members change all the time, such as connections.
 *
 * A Set or Map replaces its table again and again if members are added and removed, and in V8 each old table refers to the next one and
 * to what was in it. Once one of them is in the old generation, the garbage collector keeps all later ones, with every
 * connection that was in them, until its next full collection. That cost a connection a tenth of its processor time. What has
 * left a list refers to nothing else in it.
 */

/** The place of a member in a list. */
export class Link<Member> {
  readonly member: Member
  /** Undefined once the member has left. */
  list: LinkedList<Member> | undefined
  before: Link<Member> | undefined
  after: Link<Member> | undefined

  constructor (member: Member, list: LinkedList<Member>, before: Link<Member> | undefined) {
    this.member = member
    this.list = list
    this.before = before
    this.after = undefined
  }
}

export class LinkedList<Member> {
  #first: Link<Member> | undefined
  #last: Link<Member> | undefined
  #size = 0

  get size (): number {
    return this.#size
  }

  /** The place of the oldest member. */
  get first (): Link<Member> | undefined {
    return this.#first
  }

  /** The members that are in it now, oldest first, without those that leave before their turn. So a walk may take its time. */
  * [Symbol.iterator] (): Generator<Member, void, undefined> {
    const links: Array<Link<Member>> = []
    for (let link = this.#first; link !== undefined; link = link.after) links.push(link)
    for (const { list, member } of links) if (list === this) yield member
  }

  /** Adds a member at the end, in constant time. */
  add (member: Member): Link<Member> {
    const link = new Link(member, this, this.#last)
    if (this.#last === undefined) this.#first = link
    else this.#last.after = link
    this.#last = link
    this.#size++
    return link
  }

  /** Removes a member, in constant time, if it is in the list. */
  remove (link: Link<Member>): void {
    if (link.list !== this) return
    const { before, after } = link
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    link.list = link.before = link.after = undefined
    this.#size--
  }
}
