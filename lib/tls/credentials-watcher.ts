/**
 * Keeps the credentials of all endpoints of an app up to date with their files, as they are renewed by certbot,
 * by cert-manager (which swaps a symbolic link), and by hand.
 *
 * A file that several endpoints name is watched once, and read once in a load, which all of them take in the
 * same step. But each is checked by itself: what is wrong with the files of one keeps none of the others from
 * their renewal, and what has changed for one has those of the others neither read nor told of.
 *
 * All files of an endpoint are read and checked together, so what is put in force fits: where the key has been
 * written and the certificate not yet, the credentials from before stay.
 */
import { errors } from '../errors.js'
import { Follower, type Loaded, type LoadReport, rethrowLater } from '../watching/follower.js'
import { hasRacy, type Observation, sameObservation } from '../watching/observation.js'
import type { Changes } from '../watching/poller.js'
import type { ReportLog } from '../watching/problem-report.js'
import { type Reader, FileReader } from './file-reader.js'
import { loadCredentials } from './credentials.js'
import { CredentialsView, type EndpointCredentials } from './credentials-view.js'
import type { SecuredEndpoint } from '../description/index.js'

/** Milliseconds between two looks at the disk, beside those that its events ask for. */
const INTERVAL = 1000

interface CredentialsWatcherOptions {
  readonly log: ReportLog
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  /** Whether loads are measured, for the event `loaded` of the views. */
  readonly measure: boolean
}

/** What a load gave for one endpoint, and what it has looked at for that. */
interface Part extends EndpointCredentials, Pick<Reader, 'observed' | 'named'> {}

type Parts = ReadonlyMap<SecuredEndpoint, Part>

interface LoadedParts extends Loaded {
  readonly parts: Parts
}

export class CredentialsWatcher {
  readonly #follower: Follower<LoadedParts>
  readonly #views = new Map<SecuredEndpoint, CredentialsView>()
  /** Those that the last load was for. */
  #concerned: ReadonlyArray<readonly [CredentialsView, Part]> = []

  /**
   * Loads the credentials of all endpoints and starts to watch their files, until the views of all of them are
   * closed. Nothing of it keeps the process alive.
   *
   * @throws see `loadCredentials`
   */
  static async start (endpoints: readonly SecuredEndpoint[], options: CredentialsWatcherOptions): Promise<CredentialsWatcher> {
    // The working directory may change later.
    const folder = process.cwd()
    const reading = new FileReader(folder)
    const parts = await Promise.all(endpoints.map(async (endpoint) => {
      const reader = reading.reader()
      return [endpoint, partOf({ credentials: await loadCredentials(endpoint, reader), problems: [] }, reader)] as const
    }))
    return new CredentialsWatcher(new Map(parts), folder, options)
  }

  private constructor (parts: Parts, folder: string, { log, now, measure }: CredentialsWatcherOptions) {
    this.#follower = new Follower<LoadedParts>({
      loaded: mergeParts(parts),
      load: async ({ parts }, occasion) => mergeParts(await reload(parts, new FileReader(folder), occasion)),
      take: ({ parts }, previous, { isAsked }) => {
        this.#concerned = [...this.#views].flatMap(([endpoint, view]) => {
          const part = parts.get(endpoint) as Part
          return part === previous.parts.get(endpoint) ? [] : [[view, part] as const]
        })
        for (const [view, part] of this.#concerned) rethrowLater(() => { view.update(part, { isRacy: !isAsked && hasRacy(part.observed) }) })
      },
      ...(measure && {
        onLoad: (report: LoadReport) => {
          for (const [view, { problems }] of this.#concerned) rethrowLater(() => { view.emit('loaded', { ...report, problems }) })
        }
      }),
      closedError: () => new errors.FST_ENDPOINT_CLOSED(),
      interval: INTERVAL
    })
    const ask = (): Promise<unknown> => this.#follower.ask()
    // Nothing to follow.
    if (parts.size === 0) this.#follower.close()
    for (const [endpoint, loaded] of parts) {
      this.#views.set(endpoint, new CredentialsView({ endpoint, log, now, loaded, ask, onClose: () => { this.#close(endpoint) } }))
    }
  }

  /** @param endpoint one of those that this was started for */
  of (endpoint: SecuredEndpoint): CredentialsView {
    return this.#views.get(endpoint) as CredentialsView
  }

  /** Closes all views. */
  close (): void {
    for (const view of this.#views.values()) view.close()
  }

  #close (endpoint: SecuredEndpoint): void {
    this.#views.delete(endpoint)
    if (this.#views.size === 0) this.#follower.close()
  }
}

function partOf ({ credentials, problems }: EndpointCredentials, { observed, named }: Pick<Reader, 'observed' | 'named'>): Part {
  return { credentials, problems, observed, named }
}

/** Those of whom something may have changed, or might not be seen to change, are loaded again; all of them, if somebody has asked for it. */
async function reload (previous: Parts, reading: FileReader, { isAsked, changes }: { isAsked: boolean, changes: Changes }): Promise<Parts> {
  const parts = new Map(previous)
  let due = [...previous].filter(([, part]) => isAsked || part.problems.length > 0 || hasRacy(part.observed) || isBehind(part, changes))
  while (due.length > 0) {
    await Promise.all(due.map(async ([endpoint, part]) => { parts.set(endpoint, await reloadPart(endpoint, part, reading.reader(), changes)) }))
    // What was seen for one of them, and not before by another that names it too, is for both.
    due = [...parts].filter(([endpoint, part]) => part === previous.get(endpoint) && isBehind(part, reading.seen))
  }
  return parts
}

async function reloadPart (endpoint: SecuredEndpoint, previous: Part, reader: Reader, changes: Changes): Promise<Part> {
  try {
    const credentials = await loadCredentials(endpoint, reader, previous.credentials)
    return partOf({ credentials, problems: credentials.names?.problems ?? [] }, reader)
  } catch (thrown) {
    // What was not looked at because something before it failed is looked at as it was seen last. Whether that
    // hides a change does not matter: it is read again as soon as nothing fails.
    const observed = new Map([...previous.observed].map(([path, seen]) => [path, withoutRacy(changes.get(path) ?? seen)]))
    for (const [path, seen] of reader.observed) observed.set(path, seen)
    return partOf({ credentials: previous.credentials, problems: [thrown as Error] }, { observed, named: new Set([...previous.named, ...reader.named]) })
  }
}

function withoutRacy (seen: Observation): Observation {
  return 'racy' in seen ? { ...seen, racy: false } : seen
}

/** Whether it has looked at one of the paths when that was in another state. */
function isBehind ({ observed }: Part, seen: ReadonlyMap<string, Observation>): boolean {
  for (const [path, observation] of seen) {
    const before = observed.get(path)
    if (before !== undefined && !sameObservation(before, observation)) return true
  }
  return false
}

function mergeParts (parts: Parts): LoadedParts {
  const observed = new Map<string, Observation>()
  const named = new Set<string>()
  const all = [...parts.values()]
  const failed = all.filter(({ problems }) => problems.length > 0)
  // Who has failed has not looked at everything, and is loaded again whatever changes: the others know better.
  for (const part of [...failed, ...all.filter(({ problems }) => problems.length === 0)]) {
    for (const [path, seen] of part.observed) observed.set(path, seen)
    for (const path of part.named) named.add(path)
  }
  return { parts, observed, named, problems: failed.flatMap(({ problems }) => problems) }
}
