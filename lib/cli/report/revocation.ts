/** Describes what a list revokes, line by line. */
import { resolve } from 'node:path'
import type { CheckedCrl, CheckedLine, CheckedRevocation, CheckedSource } from '../../../types/command-line.js'
import type { TlsEndpoint } from '../../../types/endpoint.js'
import type { ErrorLocation } from '../../errors.js'
import { stageOf } from '../../watching/expiry-warnings.js'
import { quotePath, visible } from '../../text/printable.js'
import { LAST_PART_OF_CRL } from '../../revocation/crl/expiry.js'
import type { SourcedCrl, VerifiedCrl } from '../../revocation/crl/series.js'
import type { Authorities } from '../../x509/authorities.js'
import type { ListEntry, SourceEntry } from '../../revocation/list/list-file.js'
import { type LoadedRevocations, loadRevocationList, nothingLoaded } from '../../revocation/load.js'
import { ReaderThread } from '../../revocation/thread/reader-thread.js'
import { warningsOfPolicy } from '../../revocation/refused-by-policy.js'
import { CDP } from '../../revocation/sources/points/cdp-line.js'
import { sourceName } from '../../revocation/sources/source-name.js'
import { oneLineName } from '../../x509/title.js'
import { kindOfFile } from '../list-kind.js'
import { reviewTrusted } from './exposure.js'
import type { Findings } from './findings.js'

export async function describeRevocation (
  endpoint: TlsEndpoint & { revokedFile: string }, authorities: Authorities, now: number, findings: Findings
): Promise<CheckedRevocation> {
  const { revocationDepth, unknownStatus, expiredCrl } = endpoint
  const list = resolve(endpoint.revokedFile)
  const loaded = await loadForReport(list, authorities, now)
  for (const problem of loaded.problems) findings.take(Object.assign(problem, { argument: 'revokedFile' }))
  await reviewTrusted('revokedFile', list, findings)
  await reviewKind(list, findings)
  const expansions = loaded.contents.expansions()
  const revocation = {
    list,
    size: loaded.set.size,
    revocationDepth,
    unknownStatus,
    expiredCrl,
    lines: [
      ...loaded.list.entries.flatMap((entry) => describeLine(entry, expansions, loaded, authorities)),
      // A repeated line is followed once.
      ...loaded.list.sources
        .filter(({ value }, index, all) => all.findIndex((other) => other.value === value) === index)
        .map((entry) => describeSource(entry, loaded, authorities))
    ].sort((a, b) => a.line - b.line)
  }
  await review(endpoint, revocation, loaded, authorities, now, findings)
  return revocation
}

async function reviewKind (list: string, findings: Findings): Promise<void> {
  const { kind } = await kindOfFile(list)
  if (kind?.kind !== 'allowed') return
  const message = `line ${kind.line} is for an allowed list, so the clients that it allows would be rejected: check that revokedFile ` +
    'and allowedFile are not swapped'
  findings.warn('unfit', message, { argument: 'revokedFile', file: list, line: kind.line })
}

/** Loads a list, and reports its problems beside what could be loaded. */
export async function loadForReport (list: string, authorities: Authorities, now: number): Promise<LoadedRevocations> {
  const reader = new ReaderThread()
  try {
    return await loadRevocationList({ list, authorities, reader, now: () => new Date(now) }, nothingLoaded(authorities))
  } finally {
    reader.close()
  }
}

function describeLine (
  entry: ListEntry, expansions: ReadonlyMap<string, readonly string[]>, loaded: LoadedRevocations,
  authorities: Authorities
): CheckedLine[] {
  const { kind, value, line } = entry
  if (line === undefined) return []
  if (kind !== 'pattern') return [{ line, kind, value }]
  const paths = expansions.get(value) ?? []
  const contents = paths.toSorted().flatMap((file) => {
    const content = loaded.contents.files.get(file)
    return content === undefined ? [] : [{ file, content }]
  })
  return [{
    line,
    kind,
    value,
    files: paths.length,
    certificates: contents.reduce((sum, { content: { tbs } }) => sum + tbs.length, 0),
    crls: contents.flatMap(({ file, content: { crls } }) => crls.map((crl) => ({ file, ...describeCrl(crl, loaded, authorities) })))
  }]
}

function describeSource ({ value, line }: SourceEntry, loaded: LoadedRevocations, authorities: Authorities): CheckedLine {
  const isPoints = value === CDP
  const sources = loaded.sources.filter((source) => source.line === line).map(({ name, content }): CheckedSource => ({
    name,
    isHeard: content !== undefined,
    entries: (content?.keys ?? []).reduce((sum, { size }) => sum + size, 0),
    crls: (content?.crls ?? []).map((crl) => describeCrl(crl, loaded, authorities))
  }))
  return { line, kind: isPoints ? 'cdp' : 'source', value: isPoints ? '' : sourceName(value), sources }
}

function describeCrl ({ crl, signer, digest }: VerifiedCrl, { set }: LoadedRevocations, { all }: Authorities): Omit<CheckedCrl, 'file'> {
  const isInForce = (crls: readonly SourcedCrl[]): boolean => crls.some((other) => other.digest === digest)
  return {
    issuer: crl.issuerText,
    ...(crl.number !== undefined && { number: String(crl.number) }),
    ...(crl.baseNumber !== undefined && { baseNumber: String(crl.baseNumber) }),
    ...(crl.thisUpdate !== undefined && { thisUpdate: new Date(crl.thisUpdate).toISOString() }),
    ...(crl.nextUpdate !== undefined && { nextUpdate: new Date(crl.nextUpdate).toISOString() }),
    entries: crl.entries.size,
    signer: oneLineName(all.find(({ identity }) => identity.spki === signer)?.x509.subject),
    isInForce: isInForce(set.crls.crls) && !isInForce(set.crls.unreachable),
    ...(crl.defect !== undefined && { defect: crl.defect })
  }
}

async function review (
  { revokedFile: file, ...policy }: TlsEndpoint & { revokedFile: string }, { list, lines }: CheckedRevocation,
  loaded: LoadedRevocations, { all }: Authorities, now: number, findings: Findings
): Promise<void> {
  const where = { argument: 'revokedFile', file }
  const isWrong = new Set((loaded.problems as Array<Error & ErrorLocation>).map((problem) => problem.file === list
    ? problem.line
    : undefined))
  for (const { line, value, files } of lines) {
    if (files === 0 && !isWrong.has(line)) {
      findings.warn(
        'no-effect',
        `line ${line} matches no file, so it revokes nobody: check ${quotePath(value)}, unless files will be added later`,
        { ...where, line }
      )
    }
  }
  for (const warning of loaded.warnings) findings.warn('revocation', warning, where)
  const crls = lines.flatMap(({ line, crls = [], sources = [] }) => [
    ...crls.map((crl) => ({ line, place: `in ${quotePath(crl.file)}`, ...crl })),
    ...sources.flatMap(({ name, crls }) => crls.map((crl) => ({ line, place: `of ${name}`, ...crl })))
  ])
  for (const { line, place, issuer, thisUpdate, nextUpdate, isInForce } of crls) {
    const what = `the CRL of ${visible(issuer)} ${place}`
    const begins = Date.parse(thisUpdate ?? nextUpdate ?? '')
    if (!isInForce) continue
    if (thisUpdate !== undefined && begins > now) {
      findings.warn('expiry', `${what} is from ${thisUpdate}, which is in the future: check the clock`, { ...where, line })
    }
    if (nextUpdate === undefined) continue
    switch (stageOf({ begins, ends: Date.parse(nextUpdate) }, LAST_PART_OF_CRL, now)) {
      case 'over': findings.warn(
        'expiry',
        `${what} expired on ${nextUpdate}, so later revocations are unknown: publish a newer one. What it revokes stays revoked`,
        { ...where, line }
      ); break
      case 'soon': findings.warn('expiry', `${what} expires on ${nextUpdate}: publish a newer one`, { ...where, line })
    }
  }
  const points = lines.find(({ kind }) => kind === 'cdp')
  for (const { kind, argument, message, isAbsence } of await warningsOfPolicy(loaded.set, policy, now)) {
    if (points === undefined || !isAbsence) findings.warn(kind, message, { argument })
  }
  if (points !== undefined) {
    const known = new Set(loaded.set.crls.crls.map(({ crl }) => crl.issuer))
    for (const { name, x509, signsCertificates } of all) {
      if (!signsCertificates || known.has(name)) continue
      findings.warn(
        'no-effect',
        `no CRL of ${visible(oneLineName(x509.subject))} is in force: only its clients' certificates say where it is, and ` +
          'cdp: does not read those. Name its address in a line of the list',
        { ...where, line: points.line }
      )
    }
    return
  }
  if (loaded.set.usesCrls) return
  for (const argument of ['unknownStatus', 'expiredCrl'] as const) {
    if (policy[argument] === 'deny') {
      findings.warn('no-effect', `${argument}=deny has no effect while the list names no CRL: add a pattern of CRLs`, { argument })
    }
  }
}
