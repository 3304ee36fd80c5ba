/** What the main thread and the reader thread say to each other. Neither a table nor a coded error can be cloned. */
import { type ErrorCode, type ErrorLocation, errors, isCoded, located, reasonOf } from '../../errors.js'
import type { Crl } from '../crl/crl.js'
import { SerialTable, type SerialTableArrays } from '../crl/serial-table.js'
import type { VerifiedCrl } from '../crl/series.js'
import type { FileRevocations, FileToRead } from '../files/file-content.js'
import type { SignerSet } from '../../x509/signers.js'
import type { FileChange, FilesFound, FilesPart, FilesRequest } from '../files/matched-files.js'
import type { Observation } from '../../watching/observation.js'

/** What the thread is asked. */
export interface Job extends Omit<FileToRead, 'authorities'>, Pick<SignerSet, 'certificates' | 'anchors' | 'digest'> {
  readonly id: number
}

/** What it answers. */
export interface Answer {
  readonly id: number
  readonly problem?: SentError
  readonly found?: SentRevocations
}

/** What it says when it is there. */
export type Ready = 'ready'

/** What the thread is told about the files of one list. */
export type FilesCommand = { readonly files: number } & (
  | { readonly command: 'open', readonly from: number | undefined }
  | { readonly command: 'refresh', readonly request: SentRequest, readonly isWhole: boolean }
  | { readonly command: 'watch', readonly interval: number }
  /** `taken`: a part was. */
  | { readonly command: 'taken' | 'pause' | 'close' }
)

export type SentRequest = Omit<FilesRequest, 'authorities' | 'changed'> & Pick<SignerSet, 'certificates' | 'anchors' | 'digest'>

/** What it says of them. */
export type FilesAnswer = { readonly files: number } & (
  | { readonly part: SentPart }
  | { readonly found: SentFound }
  | { readonly problem: SentError }
  | { readonly changes: ReadonlyMap<string, Observation> }
)

export type SentPart = Omit<FilesPart, 'files'> & { readonly files: ReadonlyArray<Omit<FileChange, 'content'> & { readonly content?: SentRevocations }> }
export type SentFound = Omit<FilesFound, 'problems'> & { readonly problems: readonly SentError[], readonly isRacy: boolean }

export interface SentRevocations {
  readonly tbs: readonly string[]
  /** Left out where there is nothing but certificates, as in most of many files. */
  readonly rest?: Pick<FileRevocations, 'warnings'> & { readonly crls: readonly SentCrl[], readonly problems: readonly SentError[] }
}

type SentCrl = Omit<VerifiedCrl, 'crl'> & { readonly crl: Omit<Crl, 'entries'> & { readonly entries: SerialTableArrays } }

export interface SentError {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly location: ErrorLocation
}

/**
 * Makes what a file revokes ready to be sent.
 *
 * @param buffers what is to be transferred, and not copied, is put in here
 */
export function sentRevocations ({ tbs, crls, problems, warnings }: FileRevocations, buffers: ArrayBuffer[]): SentRevocations {
  if (crls.length === 0 && problems.length === 0 && warnings.length === 0) return { tbs }
  const sent = crls.map(({ crl: { entries, ...crl }, ...others }): SentCrl => ({ ...others, crl: { ...crl, entries: entries.arrays } }))
  for (const { crl: { entries: { records } } } of sent) buffers.push(records.buffer as ArrayBuffer)
  return { tbs, rest: { warnings, crls: sent, problems: problems.map(sentError) } }
}

export function receivedRevocations ({ tbs, rest: { warnings, crls, problems } = NO_REST }: SentRevocations): FileRevocations {
  return { tbs, warnings, crls: crls.map(receivedCrl), problems: problems.map(receivedError) }
}

const NO_REST = { warnings: [], crls: [], problems: [] }

function receivedCrl ({ crl: { entries, ...crl }, ...others }: SentCrl): VerifiedCrl {
  return { ...others, crl: { ...crl, entries: SerialTable.from(entries) } }
}

export function sentError (thrown: unknown): SentError {
  const { file, line } = thrown as ErrorLocation
  return {
    code: isCoded(thrown) ? thrown.code : undefined,
    message: reasonOf(thrown),
    location: { ...(file !== undefined && { file }), ...(line !== undefined && { line }) }
  }
}

export function receivedError ({ code, message, location }: SentError): Error {
  const error = code === undefined ? new Error(message) : new errors[code]()
  error.message = message
  return located(error, location)
}
