/** `fastify-endpoint status`: whether a client is revoked and allowed, by what, and how to change that. */
import type { X509Certificate } from 'node:crypto'
import type { CheckWarning, StatusReport, StatusVerdict } from '../../types/command-line.js'
import { parseEndpoint, unwrap } from '../description/index.js'
import { PEM_FILE_LIMIT, readSettledFile } from '../files.js'
import { identifyCertificate } from '../x509/identity.js'
import { type AnchorPolicy, Authorities } from '../x509/authorities.js'
import { readAuthorities } from '../x509/certificate-files.js'
import { ruleTextFor } from '../allowed/rule-text.js'
import { readValidity } from '../x509/validity.js'
import { readCertificateFile } from './certificate-file.js'
import {
  type Call, type Command, COMMON, ENVIRONMENT, type ExitStatus, print, stringsOfEnvironment, styleOf, UsageError,
  valueOf
} from './command.js'
import { kindOfFile } from './list-kind.js'
import { withProgress } from './progress.js'
import { describeNames } from './report/allowed-list.js'
import { describeCertificate, isIssuedBy } from './report/certificates.js'
import { judge, type Judge } from './report/status.js'
import { quotePath, printableJson } from '../text/printable.js'
import { describe } from './status-text.js'
import { describeError } from './error-text.js'

export const status: Command = {
  options: {
    ...COMMON,
    ...ENVIRONMENT,
    json: { type: 'boolean' },
    list: { type: 'string' },
    authorities: { type: 'string' },
    anchors: { type: 'string' }
  },

  async run (call: Call): Promise<ExitStatus> {
    const { values, positionals: [file, ...strings], stderr, now = Date.now } = call
    if (file === undefined) throw new UsageError('no certificate given: name its file')
    if (strings.length > 1) throw new UsageError('too many arguments: name one certificate file, and at most one endpoint string')
    const style = styleOf(call)
    const errorStyle = styleOf(call, stderr)
    try {
      const certificates = inOrder(await readCertificateFile(file))
      for (const certificate of certificates) readValidity(certificate)
      const warnings: CheckWarning[] = []
      const judges = await judgesOf(call, strings, warnings)
      for (const { message } of warnings) stderr.write(`${errorStyle.render([{ colour: 'yellow', text: 'warning: ' }, message])}\n`)
      const verdicts: StatusVerdict[] = []
      let isCertain = true
      for (const one of judges) {
        const what = `reading ${quotePath(one.list ?? one.allowedFile ?? '')}`
        const judgement = await withProgress(stderr, what, () => judge(certificates, one, now()))
        const { verdict, problems } = judgement
        verdicts.push(verdict)
        for (const problem of problems) for (const line of describeError(problem, errorStyle)) stderr.write(`${line}\n`)
        if (!judgement.isCertain) isCertain = false
      }
      const identity = identifyCertificate(certificates[0].raw)
      const { tbs, serial, spki, names } = identity
      const report: StatusReport = {
        version: 1,
        accepted: isCertain && verdicts.every(({ accepted }) => accepted),
        certificates: certificates.map((certificate) => describeCertificate(certificate, file, now())),
        lines: { tbs: `tbs:${tbs}`, serial: `serial:${serial}`, spki: `spki:${spki}` },
        names: describeNames(names),
        ...(names.problem !== undefined && { namesProblem: names.problem }),
        rule: ruleTextFor(names, identity) as string,
        verdicts,
        warnings
      }
      if (values['json'] === true) print(call, printableJson(report))
      else for (const line of describe(report, style)) print(call, line)
      return !isCertain ? 2 : report.accepted ? 0 : 1
    } catch (thrown) {
      if (thrown instanceof UsageError) throw thrown
      for (const line of describeError(thrown, errorStyle)) stderr.write(`${line}\n`)
      return 2
    }
  }
}

/** The client's own certificate, and the certificates of the file that continue its chain, in any order. */
function inOrder ([leaf, ...others]: readonly [X509Certificate, ...X509Certificate[]]): [X509Certificate, ...X509Certificate[]] {
  const chain: [X509Certificate, ...X509Certificate[]] = [leaf]
  const left = new Set(others)
  for (const certificate of chain) {
    const issuer = [...left].find((other) => isIssuedBy(certificate, other))
    if (issuer === undefined) continue
    left.delete(issuer)
    chain.push(issuer)
  }
  return chain
}

const COULD_BE_ALLOWED = 'is read as a revocation list, but all of its lines could also be rules of an allowed list: give the ' +
  'endpoint string instead of --list to be certain'

/** @param warnings gets the warnings */
async function judgesOf (call: Call, given: readonly string[], warnings: CheckWarning[]): Promise<Judge[]> {
  const list = valueOf(call, 'list')
  const file = valueOf(call, 'authorities')
  const anchors = valueOf(call, 'anchors')
  if (anchors !== undefined && file === undefined) throw new UsageError('--anchors has no effect without --authorities')
  if (anchors !== undefined && anchors !== 'self-signed' && anchors !== 'any') throw new UsageError('--anchors must be self-signed or any')
  if (list !== undefined) {
    if (given.length > 0) throw new UsageError('--list and an endpoint string exclude each other: give only one')
    const authorities = file === undefined ? Authorities.none : await authoritiesOf(file, anchors, warnings)
    const { kind, hasEntries } = await kindOfFile(list)
    if (kind?.kind === 'allowed') return [{ allowedFile: list, authorities, policy: {} }]
    if (kind === undefined && hasEntries) warnings.push({ kind: 'exposed', message: `${quotePath(list)} ${COULD_BE_ALLOWED}`, file: list })
    return [{ list, authorities, policy: {} }]
  }
  if (file !== undefined) throw new UsageError('--authorities has no effect without --list')
  const strings = given.length > 0 ? given : await stringsOfEnvironment(call)
  if (strings.length === 0) {
    throw new UsageError(`no list to look in: give an endpoint string or --list, or set ${valueOf(call, 'env') ?? 'ENDPOINT'}`)
  }
  const judges: Judge[] = []
  for (const text of strings) {
    const endpoint = unwrap(parseEndpoint(text))
    if (endpoint.type !== 'tls' || endpoint.authorities === undefined) continue
    const { revokedFile: list, allowedFile } = endpoint
    if (list === undefined && allowedFile === undefined) continue
    const authorities = await authoritiesOf(endpoint.authorities, endpoint.anchors, warnings)
    judges.push({ endpoint: text, list, allowedFile, authorities, policy: endpoint })
  }
  if (judges.length === 0) throw new UsageError('no endpoint string has a revokedFile or an allowedFile, so there is no list to look in')
  return judges
}

async function authoritiesOf (file: string, anchors: AnchorPolicy | undefined, warnings: CheckWarning[]): Promise<Authorities> {
  const { bytes } = await readSettledFile(file, { what: `authorities ${quotePath(file)}`, limit: PEM_FILE_LIMIT })
  const found = readAuthorities(bytes, file, anchors)
  warnings.push(...found.warnings)
  return found.authorities
}
