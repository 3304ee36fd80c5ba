/** How an endpoint gets its certificates by ACME: what the store has, and what the directory says if it is asked. */
import type { CheckedAcme } from '../../../types/command-line.js'
import type { CredentialSource, SourcedCredentials } from '../../../types/credential-source.js'
import type { AcmeArguments, TlsEndpoint } from '../../../types/endpoint.js'
import { readAcmeRoots, readBinding } from '../../acme/acme-source.js'
import { challengeTypes, warningsOfPorts } from '../../acme/challenge-types.js'
import { demandLibrary, Directory, type DirectoryMeta } from '../../acme/directory.js'
import { codedFailure } from '../../acme/failure.js'
import { newKey } from '../../acme/order.js'
import { renewalTime } from '../../acme/renewal.js'
import { AcmeStore } from '../../acme/store.js'
import type { UnwrappedEndpoint } from '../../description/index.js'
import { readSourced } from '../../tls/sourced-credentials.js'
import type { Findings } from './findings.js'

/** Milliseconds for each call to the directory. */
const LIMIT = 30_000

export interface CheckedOrders {
  readonly acme: CheckedAcme
  /** Gives the certificate of the store. */
  readonly source: CredentialSource
}

interface CheckOptions {
  /** All that are checked together. */
  readonly endpoints: readonly UnwrappedEndpoint[]
  readonly isOnline: boolean
  readonly now: number
}

/** Reads what the string names, and writes nothing. */
export async function describeOrders (
  endpoint: TlsEndpoint, { endpoints, isOnline, now }: CheckOptions, findings: Findings
): Promise<CheckedOrders> {
  const settings = endpoint.acme as AcmeArguments
  const attempt = async <T> (work: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (thrown) {
      findings.take(thrown)
      return undefined
    }
  }
  await attempt(demandLibrary)
  const challenges = await attempt(() => {
    const types = challengeTypes(endpoint, endpoints)
    for (const message of warningsOfPorts(endpoint, endpoints)) findings.warn('unfit', message, { argument: 'acme' })
    return types
  })
  const ca = settings.ca === undefined ? undefined : await attempt(() => readAcmeRoots(settings.ca as string))
  const eab = settings.eab === undefined ? undefined : await attempt(() => readBinding(settings.eab as string))
  const store = new AcmeStore(settings)
  const credentials = await attempt(() => readStore(store, settings, now))
  const state = await store.peekState()
  const [leaf] = credentials?.chain ?? []
  const online = isOnline && (settings.ca === undefined || ca !== undefined) ? await attempt(() => ask(settings, ca, eab)) : undefined
  return {
    acme: {
      names: settings.names,
      directory: settings.directory,
      file: store.certificatePath,
      challenges: challenges ?? [],
      ...(leaf !== undefined && { renewal: new Date(renewalTime(leaf, state?.renewal)).toISOString() }),
      ...(online !== undefined && { online })
    },
    source: { name: store.certificatePath, current: () => credentials, onChange: () => {}, close: () => {} }
  }
}

async function readStore (store: AcmeStore, { names }: AcmeArguments, now: number): Promise<SourcedCredentials | undefined> {
  await store.inspect()
  await store.readAccount()
  const file = await store.readCertificate()
  if (file === undefined) return undefined
  return readSourced(file.bytes, file.bytes, { argument: 'acme', file: store.certificatePath, names, now }, { areDatesIgnored: true })
}

/** @throws FST_ENDPOINT_ACME_FAILED */
async function ask (
  settings: AcmeArguments, ca: string | undefined, eab: { kid: string, hmacKey: string } | undefined
): Promise<NonNullable<CheckedAcme['online']>> {
  const setup = { directory: settings.directory, accountKey: newKey(), accountUrl: undefined, ca, eab }
  const directory = new Directory(setup, { limit: LIMIT, now: Date.now })
  // Workers of a directory keep no process alive.
  const alive = setInterval(() => {}, LIMIT)
  try {
    const { terms, needsBinding, profiles, renewalInfo }: DirectoryMeta = await directory.meta()
    return { ...(terms !== undefined && { terms }), needsBinding, profiles, hasRenewalInfo: renewalInfo !== undefined }
  } catch (thrown) {
    throw codedFailure(thrown, settings)
  } finally {
    clearInterval(alive)
    directory.close()
  }
}
