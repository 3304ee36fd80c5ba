/**
 * Keeps the credentials of all endpoints up to date with their files, however they are renewed: by certbot, by cert-manager
 * (which swaps a symbolic link), or by hand.
 *
 * A file that several endpoints name is watched once, and read once per load; all of them apply it in the same step. But each
 * endpoint is checked by itself: a bad file of one does not hold up the others, and a change of one does not reload them.
 *
 * All files of an endpoint are read and checked together, so they always match. While the key has been written and the
 * certificate has not, the previous credentials stay in force.
 */
import { errors, reasonOf } from '../errors.js'
import { Follower, type Loaded, type LoadReport, rethrowLater } from '../watching/follower.js'
import { hasRacy, type Observation, sameObservation } from '../watching/observation.js'
import type { Changes } from '../watching/poller.js'
import type { ReportLog } from '../watching/problem-report.js'
import { type Reader, FileReader } from './file-reader.js'
import { loadCredentials, sourceFault } from './credentials.js'
import { CredentialsView, type EndpointCredentials } from './credentials-view.js'
import type { SecuredEndpoint } from '../description/index.js'
import type { CredentialSource, SourcedCredentials } from '../../types/credential-source.js'

/** Milliseconds between two polls; events of the file system cause more. */
const INTERVAL = 1000

interface CredentialsWatcherOptions {
  readonly log: ReportLog
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  /** Whether to measure loads, for the event `loaded` of the views. */
  readonly measure: boolean
  /** The sources of endpoints whose key and certificate do not come from files. The watcher does not close them. */
  readonly sources?: Sources
}

type Sources = ReadonlyMap<SecuredEndpoint, CredentialSource>

const NO_SOURCES: Sources = new Map()

/** The result of a load for one endpoint, and the files that it looked at. */
interface Part extends EndpointCredentials, Pick<Reader, 'observed' | 'named'> {
  /** What the source of the endpoint gave, if it has one. */
  readonly sourced: SourcedCredentials | undefined
}

type Parts = ReadonlyMap<SecuredEndpoint, Part>

interface LoadedParts extends Loaded {
  readonly parts: Parts
}

export class CredentialsWatcher {
  readonly #follower: Follower<LoadedParts>
  readonly #views = new Map<SecuredEndpoint, CredentialsView>()
  /** The views that the last load has changed. */
  #concerned: ReadonlyArray<readonly [CredentialsView, Part]> = []

  /**
   * Loads the credentials of all endpoints and starts to watch their files, until all views are closed. Does not keep the
   * process alive.
   *
   * @throws see `loadCredentials`
   */
  static async start (endpoints: readonly SecuredEndpoint[], options: CredentialsWatcherOptions): Promise<CredentialsWatcher> {
    // The working directory may change later.
    const folder = process.cwd()
    const files = new FileReader(folder)
    const { sources = NO_SOURCES } = options
    const parts = await Promise.all(endpoints.map(async (endpoint) => {
      const reader = files.reader()
      const source = sources.get(endpoint)
      const sourced = currentOf(source)
      const credentials = await loadCredentials(endpoint, reader, undefined, source)
      return [endpoint, partOf({ credentials, problems: [] }, reader, sourced)] as const
    }))
    return new CredentialsWatcher(new Map(parts), folder, options)
  }

  private constructor (parts: Parts, folder: string, { log, now, measure, sources = NO_SOURCES }: CredentialsWatcherOptions) {
    this.#follower = new Follower<LoadedParts>({
      loaded: mergeParts(parts),
      load: async ({ parts }, occasion) => mergeParts(await reloadParts(parts, new FileReader(folder), occasion, sources)),
      apply: ({ parts }, previous, { isAsked }) => {
        this.#concerned = [...this.#views].flatMap(([endpoint, view]) => {
          const part = parts.get(endpoint) as Part
          return part === previous.parts.get(endpoint) ? [] : [[view, part] as const]
        })
        for (const [view, part] of this.#concerned) {
          rethrowLater(() => { view.update(part, { isRacy: !isAsked && hasRacy(part.observed) }) })
        }
      },
      ...(measure && {
        onLoad: (report: LoadReport) => {
          for (const [view, { problems }] of this.#concerned) rethrowLater(() => { view.emit('loaded', { ...report, problems }) })
        }
      }),
      closedError: () => new errors.FST_ENDPOINT_CLOSED(),
      interval: INTERVAL
    })
    const reload = (): Promise<unknown> => this.#follower.ask()
    for (const [endpoint, source] of sources) this.#listenTo(source, endpoint)
    // Without secured endpoints there is nothing to watch.
    if (parts.size === 0) this.#follower.close()
    for (const [endpoint, loaded] of parts) {
      this.#views.set(endpoint, new CredentialsView({ endpoint, log, now, loaded, reload, onClose: () => { this.#close(endpoint) } }))
    }
  }

  /** @param endpoint one of those that were given to `start` */
  of (endpoint: SecuredEndpoint): CredentialsView {
    return this.#views.get(endpoint) as CredentialsView
  }

  /** Closes all views. */
  close (): void {
    for (const view of this.#views.values()) view.close()
  }

  #listenTo (source: CredentialSource, endpoint: SecuredEndpoint): void {
    try {
      source.onChange(() => { this.#follower.wake() })
    } catch (thrown) {
      this.#follower.close()
      throw sourceFault(endpoint, source, `has failed in onChange: ${reasonOf(thrown)}`, thrown)
    }
  }

  #close (endpoint: SecuredEndpoint): void {
    this.#views.delete(endpoint)
    if (this.#views.size === 0) this.#follower.close()
  }
}

function partOf (
  { credentials, problems }: EndpointCredentials, { observed, named }: Pick<Reader, 'observed' | 'named'>, sourced?: SourcedCredentials
): Part {
  return { credentials, problems, observed, named, sourced }
}

/** Reloads each endpoint whose files may have changed, or may have changes that do not show. With `isAsked`, all of them. */
async function reloadParts (
  previous: Parts,
  files: FileReader,
  { isAsked, changes }: { isAsked: boolean, changes: Changes },
  sources: Sources
): Promise<Parts> {
  const parts = new Map(previous)
  let due = [...previous].filter(([endpoint, part]) => {
    return isAsked || part.problems.length > 0 || hasRacy(part.observed) || isBehind(part, changes) ||
      currentOf(sources.get(endpoint)) !== part.sourced
  })
  while (due.length > 0) {
    await Promise.all(due.map(async ([endpoint, part]) => {
      parts.set(endpoint, await reloadPart(endpoint, part, files.reader(), changes, sources.get(endpoint)))
    }))
    // A change that was seen for one endpoint concerns all endpoints that name the same file.
    due = [...parts].filter(([endpoint, part]) => part === previous.get(endpoint) && isBehind(part, files.observed))
  }
  return parts
}

async function reloadPart (
  endpoint: SecuredEndpoint, previous: Part, reader: Reader, changes: Changes, source: CredentialSource | undefined
): Promise<Part> {
  // Read before the load, so that a change meanwhile causes another one.
  const sourced = currentOf(source)
  try {
    const credentials = await loadCredentials(endpoint, reader, previous.credentials, source)
    return partOf({ credentials, problems: credentials.names?.problems ?? [] }, reader, sourced)
  } catch (thrown) {
    // The load stopped at the first failure. For files that it did not reach, the last known state counts. Whether that hides
    // a change does not matter: they are read again as soon as nothing fails.
    const observed = new Map([...previous.observed].map(([path, seen]) => [path, withoutRacy(changes.get(path) ?? seen)]))
    for (const [path, seen] of reader.observed) observed.set(path, seen)
    const named = new Set([...previous.named, ...reader.named])
    return partOf({ credentials: previous.credentials, problems: [thrown as Error] }, { observed, named }, sourced)
  }
}

/** Undefined if the source fails: the load reports that. */
function currentOf (source: CredentialSource | undefined): SourcedCredentials | undefined {
  try {
    return source?.current()
  } catch {
    return undefined
  }
}

function withoutRacy (seen: Observation): Observation {
  return 'racy' in seen ? { ...seen, racy: false } : seen
}

/** Whether the part was made from an earlier state of one of the paths. */
function isBehind ({ observed }: Part, seen: ReadonlyMap<string, Observation>): boolean {
  for (const [path, observation] of seen) {
    const earlier = observed.get(path)
    if (earlier !== undefined && !sameObservation(earlier, observation)) return true
  }
  return false
}

function mergeParts (parts: Parts): LoadedParts {
  const observed = new Map<string, Observation>()
  const named = new Set<string>()
  const all = [...parts.values()]
  const failed = all.filter(({ problems }) => problems.length > 0)
  // Failed parts first, so that complete ones overwrite their observations: a failed load may have stopped before it looked at
  // everything. It is repeated in any case.
  for (const part of [...failed, ...all.filter(({ problems }) => problems.length === 0)]) {
    for (const [path, seen] of part.observed) observed.set(path, seen)
    for (const path of part.named) named.add(path)
  }
  return { parts, observed, named, problems: failed.flatMap(({ problems }) => problems) }
}
