/**
 * The messages between the main thread and the worker. Tables and coded errors cannot be cloned, so they are sent in
 * another form.
 */
import type { MessagePort } from 'node:worker_threads'
import { type ErrorCode, type ErrorLocation, errors, isCoded, located, reasonOf } from '../../errors.js'
import type { Crl } from '../crl/crl.js'
import { SerialTable, type SerialTableArrays } from '../crl/serial-table.js'
import type { VerifiedCrl } from '../crl/series.js'
import type { FileRevocations, FileToRead } from '../files/file-content.js'
import type { Authorities } from '../../x509/authorities.js'
import type { FileChange, RoundResult, FilesPart, FilesRequest } from '../files/matched-files.js'
import type { Changes } from '../../watching/poller.js'

/** The calls that the worker answers, each with its payload, its parts and its result. */
export interface Calls {
  read: { payload: WithDerAuthorities<FileToRead>, part: never, result: SentRevocations }
  refresh: { payload: RefreshPayload, part: SentPart, result: SentResult }
}

export type Call = {
  [Kind in keyof Calls]: { readonly id: number, readonly kind: Kind, readonly payload: Calls[Kind]['payload'] }
}[keyof Calls]

type Result = Calls[keyof Calls]['result']

export interface RefreshPayload {
  readonly files: number
  readonly request: WithDerAuthorities<Omit<FilesRequest, 'changed'>>
  readonly isWhole: boolean
}

/** Messages to the worker that it does not answer. `taken` acknowledges a part. */
export type Command =
  | { readonly kind: 'open', readonly files: number, readonly from: number | undefined }
  | { readonly kind: 'watch', readonly files: number, readonly interval: number }
  | { readonly kind: 'pause' | 'close', readonly files: number }
  | { readonly kind: 'acknowledged' }

/** Messages of the worker. */
export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'part', readonly id: number, readonly part: SentPart }
  | { readonly kind: 'done', readonly id: number, readonly result: Result }
  | { readonly kind: 'failed', readonly id: number, readonly problem: SentError }
  | { readonly kind: 'changed', readonly files: number, readonly changes: Changes }

/** With the authorities in DER, which the worker parses unless it has done so before. */
export type WithDerAuthorities<T extends { authorities: Authorities }> = Omit<T, 'authorities'> & {
  readonly authorities: Pick<Authorities, 'certificates' | 'anchors' | 'digest'>
}
export type SentPart = Omit<FilesPart, 'files'> & {
  readonly files: ReadonlyArray<Omit<FileChange, 'content'> & { readonly content?: SentRevocations }>
}
export type SentResult = Omit<RoundResult, 'problems'> & { readonly problems: readonly SentError[], readonly isRacy: boolean }

export interface SentRevocations {
  readonly tbs: readonly string[]
  /** Omitted if there are only certificates, as in most of many files. */
  readonly rest?: Pick<FileRevocations, 'warnings'> & { readonly crls: readonly SentCrl[], readonly problems: readonly SentError[] }
}

type SentCrl = Omit<VerifiedCrl, 'crl'> & { readonly crl: Omit<Crl, 'entries'> & { readonly entries: SerialTableArrays } }

interface SentError {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly location: ErrorLocation
}

/** Answers a call. `act` adds to `buffers` what is transferred instead of copied. */
export async function answer (port: MessagePort, { id }: Call, act: (buffers: ArrayBuffer[]) => Promise<Result>): Promise<void> {
  const buffers: ArrayBuffer[] = []
  try {
    port.postMessage({ kind: 'done', id, result: await act(buffers) } satisfies Answer, buffers)
  } catch (thrown) {
    port.postMessage({ kind: 'failed', id, problem: sentError(thrown) } satisfies Answer)
  }
}

/** @param buffers see `answer` */
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
