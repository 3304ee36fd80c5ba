/**
 * Revocations without a server: `fastify-endpoint/revocation`.
 */
import type { X509Certificate } from 'node:crypto'
import { identifyCertificate, loadRevocations, type CertificateIdentity, type RevocationKind, type RevocationOrigin, type RevocationPolicy, type RevocationReason, type RevocationSet, type RevocationStatus } from 'fastify-endpoint/revocation'
import { describe, expect, test } from 'tstyche'

declare const certificate: X509Certificate
declare const der: Uint8Array
declare const set: RevocationSet
declare const status: RevocationStatus

describe('loadRevocations', () => {
  test('takes a list, patterns, or both', () => {
    expect(loadRevocations({ list: 'revoked.txt' })).type.toBe<Promise<RevocationSet>>()
    expect(loadRevocations).type.toBeCallableWith({ patterns: ['revoked/*.pem'] as const })
    expect(loadRevocations).type.toBeCallableWith({ list: 'revoked.txt', patterns: ['revoked/*.pem'], authorities: [certificate, der], anchors: 'any', now: () => new Date(), limits: { entries: 1_000 } })
    expect(loadRevocations).type.toBeCallableWith({})
  })

  test('takes nothing else', () => {
    expect(loadRevocations).type.not.toBeCallableWith()
    expect(loadRevocations).type.not.toBeCallableWith('revoked.txt')
    expect(loadRevocations).type.not.toBeCallableWith({ file: 'revoked.txt' })
    expect(loadRevocations).type.not.toBeCallableWith({ patterns: 'revoked/*.pem' })
    expect(loadRevocations).type.not.toBeCallableWith({ list: 'revoked.txt', authorities: ['ca.pem'] })
    expect(loadRevocations).type.not.toBeCallableWith({ list: 'revoked.txt', now: Date.now() })
    expect(loadRevocations).type.not.toBeCallableWith({ list: 'revoked.txt', limits: { bytes: 1_000 } })
  })
})

describe('a set', () => {
  test('has a size and a date, and is read-only', () => {
    expect(set.size).type.toBe<number>()
    expect(set.loadedAt).type.toBe<Date>()
    // @ts-expect-error Cannot assign to 'size' because it is a read-only property.
    set.size = 0
  })

  test('judges a chain under a policy', () => {
    expect(set.status([certificate, der])).type.toBe<RevocationStatus>()
    expect(set.status).type.toBeCallableWith([certificate], { revocationDepth: 'leaf', unknownStatus: 'deny', expiredCrl: 'deny' })
    expect(set.status).type.not.toBeCallableWith(certificate)
    expect(set.status).type.not.toBeCallableWith([certificate], { revocationDepth: 1 })
    expect<RevocationPolicy['revocationDepth']>().type.toBe<'chain' | 'leaf' | undefined>()
  })
})

test('a status is discriminated by its member status', () => {
  expect(status.status).type.toBe<'good' | 'revoked' | 'unknown'>()
  expect(status).type.not.toHaveProperty('source')
  if (status.status === 'revoked') {
    expect(status.kind).type.toBe<RevocationKind>()
    expect(status.source).type.toBe<RevocationOrigin>()
    expect(status.index).type.toBe<number>()
    expect(status.reason).type.toBe<RevocationReason | undefined>()
    expect(status.revokedAt).type.toBe<Date | undefined>()
  } else if (status.status === 'unknown') {
    expect(status.isExpired).type.toBe<boolean>()
  } else {
    expect(status).type.toBe<{ readonly status: 'good', readonly goodUntil?: Date }>()
  }
})

test('a certificate has three keys, and an entry matches one of them', () => {
  expect(identifyCertificate(certificate.raw)).type.toBe<CertificateIdentity>()
  expect<RevocationKind>().type.toBe<'tbs' | 'serial' | 'spki' | 'crl'>()
})
