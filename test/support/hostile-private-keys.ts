/** Private keys (PKCS #8 in DER) that are broken in ways that harm libraries. */
import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto'
import { childrenOf, integer, oid } from './crl.js'
import { element } from './pki.js'

export interface HostilePrivateKey {
  readonly name: string
  readonly der: Buffer
}

const NULL = element(0x05)
const EC = oid('1.2.840.10045.2.1')
const P256 = oid('1.2.840.10045.3.1.7')
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

export function hostilePrivateKeys (): HostilePrivateKey[] {
  return [...elliptic(), ...rsa(), ...dsa(), ...others()]
}

function derOf ({ privateKey }: KeyPairKeyObjectResult): Buffer {
  return privateKey.export({ type: 'pkcs8', format: 'der' })
}

function wrapped (algorithm: Buffer[], key: Buffer): Buffer {
  return element(0x30, integer(0), element(0x30, ...algorithm), element(0x04, key))
}

function * elliptic (): Generator<HostilePrivateKey> {
  const scalar = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
  const key = (name: string, d: Buffer, point?: Buffer, algorithm = [EC, P256]): HostilePrivateKey => ({
    name: `EC ${name}`,
    der: wrapped(algorithm, element(0x30, integer(1), element(0x04, d), ...point === undefined ? [] : [element(0xa1, element(0x03, Buffer.of(0), point))]))
  })
  for (const [name, d] of [['0', 0n], ['1', 1n], ['the order', ORDER], ['more than the order', ORDER + 1n]] as const) yield key(`of ${name}`, scalar(d))
  yield key('of nothing', Buffer.alloc(0))
  yield key('that is huge', Buffer.alloc(200, 0xff))
  yield key('with the point at infinity', scalar(5n), Buffer.of(0))
  yield key('of 0 with the point at infinity', scalar(0n), Buffer.of(0))
  yield key('with another point', scalar(5n), Buffer.alloc(65, 4))
  yield key('without a curve', scalar(5n), undefined, [EC])
  yield key('with NULL for a curve', scalar(5n), undefined, [EC, NULL])
  yield key('of SM2', scalar(5n), undefined, [EC, oid('1.2.156.10197.1.301')])
  for (const namedCurve of ['secp256k1', 'brainpoolP256r1', 'sect283k1']) yield { name: `EC ${namedCurve}`, der: derOf(generateKeyPairSync('ec', { namedCurve })) }
  yield { name: 'EC explicit', der: derOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })) }
}

const NUMBERS = { 0: integer(0), 1: integer(1), negative: element(0x02, Buffer.alloc(8, 0x90)), nothing: element(0x02), huge: integer((1n << 20_000n) + 1n), even: integer(1n << 1000n) }

function * rsa (): Generator<HostilePrivateKey> {
  const parts = childrenOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'der' }))
  const key = (name: string, parts: Buffer[]): HostilePrivateKey => ({ name: `RSA ${name}`, der: wrapped([oid('1.2.840.113549.1.1.1'), NULL], element(0x30, ...parts)) })
  for (let part = 1; part < 9; part++) {
    for (const [name, number] of Object.entries(NUMBERS)) yield key(`with ${name} for part ${part}`, parts.map((one, index) => index === part ? number : one))
  }
  yield key('of zeros', parts.map(() => integer(0)))
  yield key('cut short', parts.slice(0, 4))
}

function * dsa (): Generator<HostilePrivateKey> {
  const [, algorithm] = childrenOf(generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey.export({ type: 'pkcs8', format: 'der' })) as [Buffer, Buffer]
  const numbers = [...childrenOf(childrenOf(algorithm)[1] as Buffer), integer(5)]
  for (let part = 0; part < 4; part++) {
    for (const [name, number] of Object.entries(NUMBERS)) {
      const [p, q, g, x] = numbers.map((one, index) => index === part ? number : one) as [Buffer, Buffer, Buffer, Buffer]
      yield { name: `DSA with ${name} for part ${part}`, der: wrapped([oid('1.2.840.10040.4.1'), element(0x30, p, q, g)], x) }
    }
  }
}

function * others (): Generator<HostilePrivateKey> {
  for (const [name, id, length] of [['Ed25519', '1.3.101.112', 32], ['X25519', '1.3.101.110', 32], ['Ed448', '1.3.101.113', 57], ['X448', '1.3.101.111', 56]] as const) {
    for (const more of [-1, 0, 1]) yield { name: `${name} of ${length + more} bytes`, der: wrapped([oid(id)], element(0x04, Buffer.alloc(length + more, 1))) }
  }
  for (const last of [17, 18, 19]) yield { name: `ML-DSA ${last}`, der: wrapped([oid(`2.16.840.1.101.3.4.3.${last}`)], element(0x80, Buffer.alloc(32, 1))) }
  yield { name: 'GOST', der: wrapped([oid('1.2.643.7.1.1.1.1')], element(0x04, Buffer.alloc(32, 1))) }
  // The types know no key pairs of both kinds.
  const generate = generateKeyPairSync as (type: string, options: object) => KeyPairKeyObjectResult
  yield { name: 'DH', der: derOf(generate('dh', { group: 'modp14' })) }
  yield { name: 'RSA-PSS', der: derOf(generate('rsa-pss', { modulusLength: 1024, hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha1', saltLength: 5 })) }
  yield { name: 'garbage', der: Buffer.alloc(40, 0x30) }
}
