/**
 * The JSON reports of the command line.
 */
import type {
  CheckedAllowed, CheckedCrl, CheckedEndpoint, CheckedLine, CheckedRule, CheckedSource, CheckReport, CheckWarning, StatusAllowed, StatusName,
  StatusReport, StatusVerdict
} from 'fastify-endpoint'
import { describe, expect, test } from 'tstyche'

declare const report: CheckReport
declare const endpoint: CheckedEndpoint
declare const crl: CheckedCrl
declare const status: StatusReport

describe('the report of a check', () => {
  test('has a version, and says whether an app would start', () => {
    expect(report.version).type.toBe<1>()
    expect(report.ok).type.toBe<boolean>()
    expect(report.endpoints).type.toBe<readonly CheckedEndpoint[]>()
  })

  test('has the parts of an endpoint that could be read', () => {
    expect(endpoint.endpoint).type.toBe<string>()
    expect(endpoint.transport?.address).type.toBe<string | undefined>()
    expect(endpoint.tls?.versions?.[0]?.ciphers).type.toBe<readonly string[] | undefined>()
    expect(endpoint.problems[0]?.message).type.toBe<string | undefined>()
    expect<CheckWarning['kind']>().type.toBe<'expiry' | 'weak' | 'exposed' | 'no-effect' | 'unfit' | 'revocation'>()
  })

  test('has the rules of the allowed list', () => {
    expect(endpoint.tls?.allowed).type.toBe<CheckedAllowed | undefined>()
    expect<CheckedAllowed['rules']>().type.toBe<readonly CheckedRule[]>()
    expect<CheckedRule['issuer']>().type.toBe<string | undefined>()
  })

  test('has long numbers and times as strings', () => {
    expect(crl.number).type.toBe<string | undefined>()
    expect(crl.nextUpdate).type.toBe<string | undefined>()
  })

  test('has the files or sources of each line', () => {
    expect<CheckedLine['kind']>().type.toBe<'pattern' | 'tbs' | 'serial' | 'spki' | 'source' | 'cdp'>()
    expect<CheckedLine['sources']>().type.toBe<readonly CheckedSource[] | undefined>()
    expect<CheckedSource['crls'][number]>().type.not.toHaveProperty('file')
  })
})

describe('the report of a status', () => {
  test('has a version, and says whether the client is accepted', () => {
    expect(status.version).type.toBe<1>()
    expect(status.accepted).type.toBe<boolean>()
    expect(status.lines).type.toBe<{ readonly tbs: string, readonly serial: string, readonly spki: string }>()
  })

  test('has a verdict for each list', () => {
    expect(status.verdicts).type.toBe<readonly StatusVerdict[]>()
    expect<StatusVerdict['status']>().type.toBe<'good' | 'revoked' | 'unknown'>()
    expect(status.verdicts[0]?.isTrusted).type.toBe<boolean | undefined>()
    expect(status.verdicts[0]?.source).type.toBe<string | undefined>()
    expect(status.verdicts[0]?.list).type.toBe<string | undefined>()
  })

  test('has the names of the client, and what the allowed list says about them', () => {
    expect(status.names).type.toBe<readonly StatusName[]>()
    expect(status.namesProblem).type.toBe<string | undefined>()
    expect(status.rule).type.toBe<string>()
    expect(status.verdicts[0]?.allowed).type.toBe<StatusAllowed | undefined>()
    expect<StatusAllowed['isAllowed']>().type.toBe<boolean | undefined>()
    expect<StatusAllowed['rules'][number]>().type.toBeAssignableTo<CheckedRule>()
  })
})
