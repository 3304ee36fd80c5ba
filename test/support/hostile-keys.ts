/**
 * Public keys that are made to harm their reader, as SubjectPublicKeyInfo in DER, and ordinary keys of every kind.
 *
 *     for (const { name, spki } of hostileKeys()) send(withKey(certificate, spki))
 *
 * They are written byte by byte, because libraries do not make most of them. Only the ordinary keys differ between processes.
 */
import { generateKeyPairSync, getCurves, sign, type KeyObject } from 'node:crypto'
import { childrenOf, integer, oid } from './crl.js'
import { element, privateKeyOf } from './pki.js'

export interface HostileKey {
  /** What is wrong with it. */
  readonly name: string
  /** SubjectPublicKeyInfo in DER, or what replaces it. */
  readonly spki: Buffer
  /** Whether it is an ordinary key, which this Node.js verifies signatures with. */
  readonly isSound: boolean
}

const SEQUENCE = 0x30
/** From OpenSSL 3.5 on. */
const KNOWS_POST_QUANTUM = Number.parseFloat(process.versions.openssl) >= 3.5
const NULL = element(0x05)
const EC = oid('1.2.840.10045.2.1')
const RSA = oid('1.2.840.113549.1.1.1')
const PSS = oid('1.2.840.113549.1.1.10')
const DSA = oid('1.2.840.10040.4.1')
const DH = oid('1.2.840.113549.1.3.1')
const DHX = oid('1.2.840.10046.2.1')

const P256 = {
  id: oid('1.2.840.10045.3.1.7'),
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  a: 0xffffffff00000001000000000000000000000000fffffffffffffffffffffffcn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
}

/**
 * The certificate with another key.
 * @param signer PEM of the P-256 key that signs it again; without it the signature is wrong
 */
export function withKey (certificate: Buffer, spki: Buffer, signer?: string): Buffer {
  const [tbs, algorithm, signature] = childrenOf(certificate) as [Buffer, Buffer, Buffer]
  const parts = childrenOf(tbs)
  // After the version, the number, the algorithm, the issuer, the validity and the subject.
  parts[parts[0]?.[0] === 0xa0 ? 6 : 5] = spki
  const changed = element(SEQUENCE, ...parts)
  const made = signer === undefined ? signature : element(0x03, Buffer.of(0), sign('sha256', changed, privateKeyOf(signer)))
  return element(SEQUENCE, changed, algorithm, made)
}

/** A certificate as PEM, also one that OpenSSL does not read. */
export function pemOf (der: Uint8Array, label = 'CERTIFICATE'): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`
}

export function spkiOf (algorithm: Buffer[], key: Buffer, unused = 0): Buffer {
  return element(SEQUENCE, element(SEQUENCE, ...algorithm), element(0x03, Buffer.of(unused), key))
}

const CURVES_IN_USE = ['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1', 'brainpoolP256r1', 'sect283k1', 'SM2']

let made: HostileKey[] | undefined

/** With 3, every third key is tried: for further versions of Node.js, after one has tried all. */
const STEP = Number(process.env['HOSTILE_KEYS_STEP'] ?? 1)

export function hostileKeys (): readonly HostileKey[] {
  made ??= [...elliptic(), ...explicit(), ...rsa(), ...pss(), ...dsa(), ...dh(), ...edwards(), ...postQuantum(), ...others()]
    .filter(({ name }, index) => index % STEP === 0 || name === 'EC prime256v1 at infinity')
  return made
}

function bytes (length: number, value: number): Buffer {
  return Buffer.alloc(length, value)
}

function raw (value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex')
}

/** An INTEGER, also of a negative number, with the content as it is given. */
function integerOf (content: Buffer): Buffer {
  return element(0x02, content)
}

function derOf (key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' })
}

function * elliptic (): Generator<HostileKey> {
  for (const curve of getCurves()) {
    let spki: Buffer
    try {
      spki = derOf(generateKeyPairSync('ec', { namedCurve: curve }).publicKey)
    } catch {
      // Node lists curves that it has no keys of.
      continue
    }
    // Oakley's have no object identifier, so that their parameters are written out.
    const [algorithm, bits] = childrenOf(spki) as [Buffer, Buffer]
    const [, id] = childrenOf(algorithm) as [Buffer, Buffer]
    const isNamed = id[0] === 0x06
    yield { name: `EC ${curve}`, spki, isSound: isNamed }
    if (!isNamed) continue
    yield { name: `EC ${curve} at infinity`, spki: spkiOf([EC, id], Buffer.of(0)), isSound: false }
    const point = contentOfBits(bits)
    if (!CURVES_IN_USE.includes(curve)) continue
    const length = (point.length - 1) / 2
    const key = (name: string, value: Buffer, unused = 0): HostileKey => ({ name: `EC ${curve} ${name}`, spki: spkiOf([EC, id], value, unused), isSound: false })
    const [x, y] = [point.subarray(1, 1 + length), point.subarray(1 + length)]
    yield key('at infinity, padded', bytes(1 + 2 * length, 0))
    yield key('beside the curve', Buffer.concat([point.subarray(0, -1), Buffer.of((point.at(-1) ?? 0) ^ 1)]))
    yield key('at the origin', Buffer.concat([Buffer.of(4), bytes(2 * length, 0)]))
    yield key('beyond the field', Buffer.concat([Buffer.of(4), bytes(2 * length, 0xff)]))
    if (curve !== 'sect283k1') yield { ...key('compressed', Buffer.concat([Buffer.of(2 + ((y.at(-1) ?? 0) & 1)), x])), isSound: true }
    yield key('compressed, of no point', Buffer.concat([Buffer.of(2), bytes(length, 0xff)]))
    yield key('hybrid', Buffer.concat([Buffer.of(6 + ((y.at(-1) ?? 0) & 1)), x, y]))
    yield key('hybrid, of the other point', Buffer.concat([Buffer.of(7 - ((y.at(-1) ?? 0) & 1)), x, y]))
    yield key('of an unknown form', Buffer.concat([Buffer.of(5), x, y]))
    yield key('too short', point.subarray(0, -1))
    yield key('too long', Buffer.concat([point, Buffer.of(0)]))
    yield key('of one byte', Buffer.of(4))
    yield key('of nothing', Buffer.alloc(0))
    yield key('with unused bits', point, 3)
    yield key('of an impossible number of unused bits', point, 9)
    yield key('half of it only', Buffer.concat([Buffer.of(4), x]))
  }
  const sound = contentOfBits(childrenOf(derOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey))[1] as Buffer)
  const p256 = (name: string, algorithm: Buffer[], key = sound): HostileKey => ({ name: `EC ${name}`, spki: spkiOf(algorithm, key), isSound: false })
  yield p256('without a curve', [EC])
  yield p256('with NULL for a curve', [EC, NULL])
  yield p256('of an unknown curve', [EC, oid('1.2.3.4.5')])
  yield p256('of a curve without a name', [EC, element(0x06)])
  yield p256('of a curve that ends within an arc', [EC, element(0x06, Buffer.of(0x2a, 0x86))])
  yield p256('with something behind the curve', [EC, P256.id, NULL])
  yield p256('of another curve', [EC, oid('1.3.132.0.34')])
  yield p256('for Diffie-Hellman', [oid('1.3.132.1.12'), P256.id])
  yield p256('for MQV', [oid('1.3.132.1.13'), P256.id])
}

/** ECParameters of X9.62, written out. */
function * explicit (): Generator<HostileKey> {
  const sound = contentOfBits(childrenOf(derOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey))[1] as Buffer)
  const generator = Buffer.from('046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5', 'hex')
  const octets = (value: Buffer): Buffer => element(0x04, value)
  const parameters = ({ p = P256.p, a = raw(P256.a, 32), b = raw(P256.b, 32), g = generator, n = P256.n, h = 1n, field = element(SEQUENCE, oid('1.2.840.10045.1.1'), integer(p)) }: { p?: bigint, a?: Buffer, b?: Buffer, g?: Buffer, n?: bigint, h?: bigint, field?: Buffer } = {}): Buffer =>
    element(SEQUENCE, integer(1), field, element(SEQUENCE, octets(a), octets(b)), octets(g), integer(n), integer(h))
  const key = (name: string, options: Parameters<typeof parameters>[0] = {}, point = sound): HostileKey => ({ name: `EC explicit ${name}`, spki: spkiOf([EC, parameters(options)], point), isSound: false })
  yield key('P-256')
  yield key('at infinity', {}, Buffer.of(0))
  yield key('with a generator at infinity', { g: Buffer.of(0) })
  yield key('with the key for its generator', { g: sound })
  yield key('over an even field', { p: P256.p - 1n })
  yield key('over the field of 0', { p: 0n })
  yield key('over the field of 1', { p: 1n })
  yield key('over the field of 3', { p: 3n, a: Buffer.of(1), b: Buffer.of(1), g: Buffer.of(4, 0, 1), n: 4n }, Buffer.of(4, 0, 1))
  yield key('over a huge field', { p: (1n << 5000n) + 1n })
  yield key('of order 0', { n: 0n })
  yield key('of order 1', { n: 1n })
  yield key('of a huge order', { n: (1n << 5000n) + 1n })
  yield key('of cofactor 0', { h: 0n })
  yield key('of a singular curve', { a: raw(0n, 32), b: raw(0n, 32) })
  yield key('over bits', { field: element(SEQUENCE, oid('1.2.840.10045.1.2'), element(SEQUENCE, integer(163), oid('1.2.840.10045.1.2.3.2'), integer(3))) })
  yield key('over too many bits', { field: element(SEQUENCE, oid('1.2.840.10045.1.2'), element(SEQUENCE, integer(100_000), oid('1.2.840.10045.1.2.3.2'), integer(99_999))) })
  yield key('over bits of a polynomial that is none', { field: element(SEQUENCE, oid('1.2.840.10045.1.2'), element(SEQUENCE, integer(163), oid('1.2.840.10045.1.2.3.3'), element(SEQUENCE, integer(7), integer(7), integer(200)))) })
  yield { name: 'EC explicit of nothing', spki: spkiOf([EC, element(SEQUENCE)], sound), isSound: false }
}

function contentOfBits (bits: Buffer): Buffer {
  return bits.subarray(((bits[1] ?? 0) < 0x80 ? 2 : 2 + ((bits[1] ?? 0) & 0x7f)) + 1)
}

/** Odd, and of so many bits. */
function modulus (bits: number): bigint {
  let value = 1n << BigInt(bits - 1)
  for (let bit = 0; bit < bits - 1; bit += 7) value |= 1n << BigInt(bit)
  return value
}

let rsaKey: Buffer | undefined

/** Takes long to draw. */
function ordinaryRsa (): Buffer {
  rsaKey ??= derOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)
  return rsaKey
}

function * rsa (): Generator<HostileKey> {
  const ordinary = ordinaryRsa()
  yield { name: 'RSA of 2,048 bits', spki: ordinary, isSound: true }
  const [n, e] = childrenOf(contentOfBits(childrenOf(ordinary)[1] as Buffer)) as [Buffer, Buffer]
  const key = (name: string, ...parts: Buffer[]): HostileKey => ({ name: `RSA ${name}`, spki: spkiOf([RSA, NULL], element(SEQUENCE, ...parts)), isSound: false })
  for (const bits of [1, 2, 8, 64, 256, 511]) yield key(`of ${bits} bits`, integer(bits === 1 ? 1 : modulus(bits)), integer(65537))
  for (const bits of [512, 16_384]) yield { ...key(`of ${bits} bits`, integer(modulus(bits)), integer(65537)), isSound: true }
  yield { ...key('of 2,048 bits with an exponent of 3', n, integer(3)), isSound: true }
  for (const bits of [16_385, 65_536]) yield key(`of ${bits} bits`, integer(modulus(bits)), integer(65537))
  yield key('of 16,384 bits with a huge exponent', integer(modulus(16_384)), integer(modulus(16_383)))
  yield key('with a modulus of 0', integer(0), e)
  yield key('with an even modulus', integer(modulus(2048) - 1n), e)
  yield key('with a modulus that is a power of two', integer(1n << 2047n), e)
  yield key('with a negative modulus', integerOf(bytes(256, 0x90)), e)
  yield key('with a modulus of no bytes', integerOf(Buffer.alloc(0)), e)
  yield key('with a modulus that is padded', integerOf(Buffer.concat([Buffer.alloc(3), n.subarray(4)])), e)
  for (const exponent of [0n, 1n, 2n, 65536n]) yield key(`with an exponent of ${exponent}`, n, integer(exponent))
  yield key('with an exponent of 33 bits', n, integer((1n << 32n) + 1n))
  yield key('with an exponent of 2,047 bits', n, integer(modulus(2047)))
  yield key('with an exponent beyond its modulus', n, integer(modulus(4096)))
  yield key('with a negative exponent', n, integerOf(Buffer.of(0xff)))
  yield key('with an exponent of no bytes', n, integerOf(Buffer.alloc(0)))
  yield key('without an exponent', n)
  yield key('of nothing')
  yield key('with something behind the exponent', n, e, NULL)
  const sound = element(SEQUENCE, n, e)
  yield { name: 'RSA without parameters', spki: spkiOf([RSA], sound), isSound: true }
  yield { name: 'RSA with the parameters of another kind', spki: spkiOf([RSA, P256.id], sound), isSound: false }
  yield { name: 'RSA with something behind the key', spki: spkiOf([RSA, NULL], Buffer.concat([sound, Buffer.of(5, 0)])), isSound: false }
  yield { name: 'RSA with unused bits', spki: spkiOf([RSA, NULL], sound, 4), isSound: false }
  yield { name: 'RSA that is no DER', spki: spkiOf([RSA, NULL], bytes(64, 0xff)), isSound: false }
  yield { name: 'RSA in another place', spki: element(SEQUENCE, element(SEQUENCE, RSA, NULL), element(0x04, Buffer.of(0), sound)), isSound: false }
  yield { name: 'RSA with something behind it all', spki: element(SEQUENCE, element(SEQUENCE, RSA, NULL), element(0x03, Buffer.of(0), sound), NULL), isSound: false }
  yield { name: 'RSA under its old name', spki: spkiOf([oid('2.5.8.1.1'), integer(2048)], sound), isSound: false }
  yield { name: 'RSA for encryption', spki: spkiOf([oid('1.2.840.113549.1.1.7')], sound), isSound: false }
}

function * pss (): Generator<HostileKey> {
  const sound = contentOfBits(childrenOf(ordinaryRsa())[1] as Buffer)
  const sha256 = element(SEQUENCE, oid('2.16.840.1.101.3.4.2.1'))
  const mask = (hash = sha256): Buffer => element(0xa1, element(SEQUENCE, oid('1.2.840.113549.1.1.8'), hash))
  const parameters = (...parts: Buffer[]): Buffer => element(SEQUENCE, ...parts)
  const key = (name: string, algorithm: Buffer[], isSound = false): HostileKey => ({ name: `RSA-PSS ${name}`, spki: spkiOf([PSS, ...algorithm], sound), isSound })
  yield key('without parameters', [], true)
  yield key('with SHA-256', [parameters(element(0xa0, sha256), mask(), element(0xa2, integer(32)))], true)
  yield key('with SHA-1', [parameters()], true)
  yield key('with NULL', [NULL])
  yield key('with an unknown hash', [parameters(element(0xa0, element(SEQUENCE, oid('1.2.3.4'))))])
  yield key('with an unknown mask', [parameters(element(0xa1, element(SEQUENCE, oid('1.2.3.4'))))])
  yield key('with a mask of an unknown hash', [parameters(element(0xa0, sha256), mask(element(SEQUENCE, oid('1.2.3.4'))))])
  yield key('with a negative salt', [parameters(element(0xa2, integerOf(Buffer.of(0xff))))])
  yield key('with an endless salt', [parameters(element(0xa2, integer(1n << 31n)))])
  yield key('with a salt beyond all numbers', [parameters(element(0xa2, integer(1n << 200n)))])
  yield key('with another trailer', [parameters(element(0xa3, integer(2)))])
  yield key('with parameters that are no DER', [element(SEQUENCE, bytes(8, 0xff))])
  yield { name: 'RSA-PSS with an exponent of 1', spki: spkiOf([PSS], element(SEQUENCE, integer(modulus(2048)), integer(1))), isSound: false }
  yield { name: 'RSA-PSS of 8 bits', spki: spkiOf([PSS], element(SEQUENCE, integer(modulus(8)), integer(3))), isSound: false }
}

function * dsa (): Generator<HostileKey> {
  const ordinary = derOf(generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).publicKey)
  const [algorithm, bits] = childrenOf(ordinary) as [Buffer, Buffer]
  const [p, q, g] = childrenOf(childrenOf(algorithm)[1] as Buffer) as [Buffer, Buffer, Buffer]
  const y = contentOfBits(bits)
  const key = (name: string, parameters: Buffer[] | undefined, value = y): HostileKey => ({ name: `DSA ${name}`, spki: spkiOf(parameters === undefined ? [DSA] : [DSA, element(SEQUENCE, ...parameters)], value), isSound: false })
  yield { ...key('of 1,024 bits', [p, q, g]), isSound: true }
  yield key('with a negative y', [p, q, g], integerOf(Buffer.of(0xff)))
  yield key('with a long negative y', [p, q, g], integerOf(bytes(128, 0x90)))
  for (const value of [0, 1]) yield key(`with a y of ${value}`, [p, q, g], integer(value))
  yield key('with a y beyond p', [p, q, g], integer(1n << 1030n))
  yield key('with a y that is no number', [p, q, g], NULL)
  yield key('without y', [p, q, g], Buffer.alloc(0))
  yield key('with something behind y', [p, q, g], Buffer.concat([y, NULL]))
  for (const value of [0, 1, 2]) {
    yield key(`with a p of ${value}`, [integer(value), q, g])
    yield key(`with a q of ${value}`, [p, integer(value), g])
    yield { ...key(`with a g of ${value}`, [p, q, integer(value)]), isSound: value === 2 }
  }
  yield key('with an even p', [integer((1n << 1023n)), q, g])
  yield key('with a huge p', [integer(modulus(20_000)), q, g])
  yield key('with a huge q', [p, integer(modulus(4096)), g])
  yield key('with a negative p', [integerOf(bytes(128, 0x90)), q, g])
  yield key('with a negative q', [p, integerOf(bytes(20, 0x90)), g])
  yield key('with a negative g', [p, q, integerOf(bytes(128, 0x90))])
  yield key('without parameters', undefined)
  yield key('without g', [p, q])
  yield key('with parameters of nothing', [])
  yield { name: 'DSA with NULL for parameters', spki: spkiOf([DSA, NULL], y), isSound: false }
}

function * dh (): Generator<HostileKey> {
  const prime = raw(modulus(1024), 128)
  const p = element(0x02, Buffer.of(0), prime)
  const g = integer(2)
  const y = integer(modulus(1000))
  for (const [kind, id] of [['DH', DH], ['X9.42 DH', DHX]] as const) {
    const parameters = (...parts: Buffer[]): Buffer[] => [id, element(SEQUENCE, ...parts, ...kind === 'DH' ? [] : [integer(modulus(160))])]
    const key = (name: string, algorithm: Buffer[], value = y): HostileKey => ({ name: `${kind} ${name}`, spki: spkiOf(algorithm, value), isSound: false })
    yield key('of 1,024 bits', parameters(p, g))
    for (const value of [0, 1, 2]) {
      yield key(`with a p of ${value}`, parameters(integer(value), g))
      yield key(`with a g of ${value}`, parameters(p, integer(value)))
      yield key(`with a y of ${value}`, parameters(p, g), integer(value))
    }
    yield key('with a negative y', parameters(p, g), integerOf(Buffer.of(0xff)))
    yield key('with a negative p', parameters(integerOf(bytes(128, 0x90)), g))
    yield key('with a huge p', parameters(integer(modulus(40_000)), g))
    yield key('without parameters', [id])
    yield key('of nothing', parameters(p, g), Buffer.alloc(0))
  }
}

function * edwards (): Generator<HostileKey> {
  for (const [kind, id, length] of [['ed25519', '1.3.101.112', 32], ['ed448', '1.3.101.113', 57], ['x25519', '1.3.101.110', 32], ['x448', '1.3.101.111', 56]] as const) {
    const key = (name: string, value: Buffer, parameters: Buffer[] = []): HostileKey => ({ name: `${kind} ${name}`, spki: spkiOf([oid(id), ...parameters], value), isSound: false })
    const ordinary = derOf(generateKeyPairSync(kind as 'ed25519').publicKey)
    yield { name: kind, spki: ordinary, isSound: kind.startsWith('ed') }
    const value = contentOfBits(childrenOf(ordinary)[1] as Buffer)
    yield key('of nothing', Buffer.alloc(0))
    yield key('too short', value.subarray(0, -1))
    yield key('too long', Buffer.concat([value, Buffer.of(0)]))
    yield key('with parameters', value, [NULL])
    yield key('of only zeros', bytes(length, 0))
    yield key('of only ones', bytes(length, 0xff))
    yield key('that is neutral', Buffer.concat([Buffer.of(1), bytes(length - 1, 0)]))
    yield key('that is neutral, with a sign', Buffer.concat([Buffer.of(1), bytes(length - 2, 0), Buffer.of(0x80)]))
    if (kind !== 'ed25519') continue
    for (const hex of [
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'
    ]) yield key(`of small order, ${hex.slice(0, 8)}…${hex.slice(-2)}`, Buffer.from(hex, 'hex'))
  }
}

function * postQuantum (): Generator<HostileKey> {
  const sizes = [['ML-DSA-44', 17, 1312], ['ML-DSA-65', 18, 1952], ['ML-DSA-87', 19, 2592], ['SLH-DSA-SHA2-128s', 20, 32], ['SLH-DSA-SHAKE-256f', 31, 64]] as const
  for (const [name, last, length] of sizes) {
    const id = oid(`2.16.840.1.101.3.4.3.${last}`)
    yield { name, spki: spkiOf([id], bytes(length, 7)), isSound: KNOWS_POST_QUANTUM }
    yield { name: `${name} too short`, spki: spkiOf([id], bytes(length - 1, 7)), isSound: false }
    yield { name: `${name} of nothing`, spki: spkiOf([id], Buffer.alloc(0)), isSound: false }
    yield { name: `${name} with parameters`, spki: spkiOf([id, NULL], bytes(length, 7)), isSound: false }
  }
  yield { name: 'ML-KEM-768', spki: spkiOf([oid('2.16.840.1.101.3.4.4.2')], bytes(1184, 7)), isSound: false }
}

function * others (): Generator<HostileKey> {
  yield { name: 'GOST', spki: spkiOf([oid('1.2.643.7.1.1.1.1'), element(SEQUENCE, oid('1.2.643.2.2.35.1'), oid('1.2.643.7.1.1.2.2'))], element(0x04, bytes(64, 5))), isSound: false }
  yield { name: 'an unknown kind', spki: spkiOf([oid('1.2.3.4.5')], bytes(32, 5)), isSound: false }
  yield { name: 'a kind without a name', spki: spkiOf([element(0x06)], bytes(32, 5)), isSound: false }
  yield { name: 'a kind of a very long name', spki: spkiOf([element(0x06, bytes(2000, 0x81), Buffer.of(1))], bytes(32, 5)), isSound: false }
  yield { name: 'no algorithm', spki: element(SEQUENCE, element(0x03, Buffer.of(0), bytes(32, 5))), isSound: false }
  yield { name: 'no key', spki: element(SEQUENCE, element(SEQUENCE, RSA, NULL)), isSound: false }
  yield { name: 'a key of no bits', spki: element(SEQUENCE, element(SEQUENCE, RSA, NULL), element(0x03)), isSound: false }
  yield { name: 'nothing', spki: element(SEQUENCE), isSound: false }
  yield { name: 'HMAC', spki: spkiOf([oid('1.2.840.113549.2.9')], bytes(32, 5)), isSound: false }
}
