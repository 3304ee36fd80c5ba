/** A table from section 2.2 of the specification: the headers that it allows and forbids. */
import t from 'tap'
import { readHeader } from '../../lib/proxy-protocol/header.js'
import { binary, IPV6, NOTHING, sslVector, unixAddresses, vector, withChecksum } from '../support/proxy-headers.js'

const ADDRESSED = {
  version: 2,
  command: 'PROXY',
  transport: 'stream',
  source: { family: 'IPv4', address: '192.0.2.1', port: 56324 },
  destination: { family: 'IPv4', address: '198.51.100.7', port: 443 }
} as const
const OVER_IPV6 = {
  source: { family: 'IPv6', address: '2001:db8::1', port: 56324 },
  destination: { family: 'IPv6', address: '2001:db8::7', port: 443 }
}
const UNADDRESSED = { version: 2, command: 'PROXY' }
const LOCAL = { version: 2, command: 'LOCAL' }
const CHECKSUM = vector(0x03, Buffer.alloc(4))
const NOOP = vector(0x04, Buffer.alloc(0))

function corrupted (header: Buffer, at: number): Buffer {
  const copy = Buffer.from(header)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}

const GOOD: Array<[description: string, bytes: Buffer, header: object]> = [
  ['TCP over IPv4', binary(), ADDRESSED],
  ['UDP over IPv4', binary({ family: 0x12 }), { ...ADDRESSED, transport: 'datagram' }],
  ['TCP over IPv6', binary({ family: 0x21, addresses: IPV6 }), { ...ADDRESSED, ...OVER_IPV6 }],
  ['UDP over IPv6', binary({ family: 0x22, addresses: IPV6 }), { ...ADDRESSED, ...OVER_IPV6, transport: 'datagram' }],
  ['IPv4 within IPv6', binary({ family: 0x21, addresses: Buffer.from('00000000000000000000ffffc0000201'.repeat(2) + '00010002', 'hex') }),
    { ...ADDRESSED, source: { family: 'IPv6', address: '::ffff:192.0.2.1', port: 1 }, destination: { family: 'IPv6', address: '::ffff:192.0.2.1', port: 2 } }],
  ['a unix stream', binary({ family: 0x31, addresses: unixAddresses('/run/client', '/run/server') }),
    { ...ADDRESSED, source: { family: 'unix', path: '/run/client' }, destination: { family: 'unix', path: '/run/server' } }],
  ['a unix datagram', binary({ family: 0x32, addresses: unixAddresses('', '\0abstract') }),
    { ...ADDRESSED, transport: 'datagram', source: { family: 'unix', path: '' }, destination: { family: 'unix', path: '\0abstract' } }],
  ['a unix path that fills its place', binary({ family: 0x31, addresses: unixAddresses('a'.repeat(108), 'b') }),
    { ...ADDRESSED, source: { family: 'unix', path: 'a'.repeat(108) }, destination: { family: 'unix', path: 'b' } }],
  ['LOCAL, as the specification has it', binary({ command: 0x20, family: 0, addresses: NOTHING }), LOCAL],
  ['LOCAL with addresses, which are discarded', binary({ command: 0x20 }), LOCAL],
  ['LOCAL with an unknown family, which is ignored', binary({ command: 0x20, family: 0xff, addresses: Buffer.alloc(7) }), LOCAL],
  ['LOCAL with vectors, which are discarded', binary({ command: 0x20, family: 0, addresses: NOTHING, vectors: [vector(0x02, 'a'), vector(0x02, 'b')] }), LOCAL],
  ['LOCAL with a checksum', withChecksum(binary({ command: 0x20, family: 0, addresses: NOTHING, vectors: [CHECKSUM] })), LOCAL],
  ['UNSPEC', binary({ family: 0, addresses: NOTHING }), UNADDRESSED],
  ['UNSPEC with bytes that are not vectors, which are skipped', binary({ family: 0, addresses: Buffer.from('abcdefg') }), UNADDRESSED],
  ['UNSPEC with vectors', binary({ family: 0, addresses: NOTHING, vectors: [vector(0x02, 'example.org')] }), { ...UNADDRESSED, authority: 'example.org' }],
  ['a family without a transport, whose addresses are ignored', binary({ family: 0x10, vectors: [vector(0x01, 'h2')] }), { ...UNADDRESSED, alpn: 'h2' }],
  ['a transport without a family', binary({ family: 0x01, addresses: NOTHING }), UNADDRESSED],
  ['ALPN', binary({ vectors: [vector(0x01, 'h2')] }), { ...ADDRESSED, alpn: 'h2' }],
  ['an authority in UTF-8', binary({ vectors: [vector(0x02, 'bücher.example')] }), { ...ADDRESSED, authority: 'bücher.example' }],
  ['an authority with control characters, unchanged', binary({ vectors: [vector(0x02, 'a\r\nb\0\u202e')] }), { ...ADDRESSED, authority: 'a\r\nb\0\u202e' }],
  ['an authority that is not UTF-8, which is left out', binary({ vectors: [vector(0x02, Buffer.from([0x62, 0xfc])), vector(0x01, 'h2')] }), { ...ADDRESSED, alpn: 'h2' }],
  ['a unique id of 128 bytes', binary({ vectors: [vector(0x05, Buffer.alloc(128, 0xff))] }), { ...ADDRESSED, uniqueId: Buffer.alloc(128, 0xff) }],
  ['an empty unique id', binary({ vectors: [vector(0x05, '')] }), { ...ADDRESSED, uniqueId: Buffer.alloc(0) }],
  ['a network namespace', binary({ vectors: [vector(0x30, 'blue')] }), { ...ADDRESSED, networkNamespace: 'blue' }],
  ['padding, more than once', binary({ vectors: [NOOP, vector(0x04, 'whatever'), NOOP] }), ADDRESSED],
  ['other types, more than once', binary({ vectors: [vector(0xea, 'x'), vector(0xea, 'y'), vector(0xff, '')] }), ADDRESSED],
  ['TLS without a certificate', binary({ vectors: [sslVector(0x01, 0, vector(0x21, 'TLSv1.3'))] }),
    { ...ADDRESSED, ssl: { secure: true, certificateOnConnection: false, certificateInSession: false, verify: 0, verified: false, version: 'TLSv1.3' } }],
  ['TLS with a certificate and all of its vectors', binary({
    vectors: [sslVector(0x07, 0, vector(0x21, 'TLSv1.2'), vector(0x22, 'alice'), vector(0x23, 'ECDHE-RSA-AES128-GCM-SHA256'), vector(0x24, 'RSA-SHA256'), vector(0x25, 'RSA2048'), vector(0x99, 'x'))]
  }), {
    ...ADDRESSED,
    ssl: {
      secure: true,
      certificateOnConnection: true,
      certificateInSession: true,
      verify: 0,
      verified: true,
      version: 'TLSv1.2',
      commonName: 'alice',
      cipher: 'ECDHE-RSA-AES128-GCM-SHA256',
      signatureAlgorithm: 'RSA-SHA256',
      keyAlgorithm: 'RSA2048'
    }
  }],
  ['TLS resumed, with the certificate of its session', binary({ vectors: [sslVector(0x05, 0)] }),
    { ...ADDRESSED, ssl: { secure: true, certificateOnConnection: false, certificateInSession: true, verify: 0, verified: true } }],
  ['a certificate that did not verify', binary({ vectors: [sslVector(0x07, 0xffffffff)] }),
    { ...ADDRESSED, ssl: { secure: true, certificateOnConnection: true, certificateInSession: true, verify: 0xffffffff, verified: false } }],
  ['a right checksum', withChecksum(binary({ vectors: [vector(0x02, 'example.org'), CHECKSUM, NOOP] })), { ...ADDRESSED, authority: 'example.org' }],
  ['groups, signature schemes, and any client certificate', binary({ vectors: [sslVector(0x07, 0, vector(0x26, 'X25519'), vector(0x27, 'rsa_pss_rsae_sha256'), vector(0x28, Buffer.alloc(9000, 0x30)))] }), {
    ...ADDRESSED,
    ssl: {
      secure: true,
      certificateOnConnection: true,
      certificateInSession: true,
      verify: 0,
      verified: true,
      group: 'X25519',
      signatureScheme: 'rsa_pss_rsae_sha256',
      clientCertificate: Buffer.alloc(9000, 0x30)
    }
  }],
  ['an empty certificate', binary({ vectors: [sslVector(0x01, 0, vector(0x28, ''))] }),
    { ...ADDRESSED, ssl: { secure: true, certificateOnConnection: false, certificateInSession: false, verify: 0, verified: false, clientCertificate: NOTHING } }],
  ['the longest header that the length field allows', binary({ vectors: [vector(0x04, Buffer.alloc(0xffff - 12 - 3))] }), ADDRESSED],
  ['as many vectors as fit', binary({ vectors: Array.from({ length: 21_841 }, () => NOOP) }), ADDRESSED]
]

const BAD: Array<[description: string, bytes: Buffer, fault: string]> = [
  ['version 1 in binary', binary({ command: 0x11 }), 'version_unknown'],
  ['version 3', binary({ command: 0x31 }), 'version_unknown'],
  ['version 0', binary({ command: 0x01 }), 'version_unknown'],
  ['an unknown command', binary({ command: 0x22 }), 'command_unknown'],
  ['the highest command number', binary({ command: 0x2f }), 'command_unknown'],
  ['an unknown family', binary({ family: 0x41 }), 'family_unknown'],
  ['an unknown transport', binary({ family: 0x13 }), 'family_unknown'],
  ['neither', binary({ family: 0xff }), 'family_unknown'],
  ['an unspecified family with an unknown transport', binary({ family: 0x03 }), 'family_unknown'],
  ['no addresses', binary({ addresses: NOTHING }), 'addresses_cut_short'],
  ['addresses that are cut short by one byte', binary({ addresses: Buffer.alloc(11) }), 'addresses_cut_short'],
  ['addresses of IPv4 for IPv6', binary({ family: 0x21 }), 'addresses_cut_short'],
  ['addresses of IPv6 for unix', binary({ family: 0x31, addresses: IPV6 }), 'addresses_cut_short'],
  ['one byte after the addresses', binary({ vectors: [Buffer.of(4)] }), 'vector_malformed'],
  ['two bytes after the addresses', binary({ vectors: [Buffer.of(4, 0)] }), 'vector_malformed'],
  ['a vector that is longer than the header', binary({ vectors: [Buffer.of(4, 0, 1)] }), 'vector_malformed'],
  ['a vector that is longer than any header', binary({ vectors: [Buffer.of(4, 0xff, 0xff, 0)] }), 'vector_malformed'],
  ['IPv6 addresses for IPv4, the rest of which are not vectors', binary({ addresses: IPV6 }), 'vector_malformed'],
  ['a unique id of 129 bytes', binary({ vectors: [vector(0x05, Buffer.alloc(129))] }), 'vector_malformed'],
  ['an SSL vector without its flags', binary({ vectors: [vector(0x20, Buffer.alloc(4))] }), 'vector_malformed'],
  ['an SSL vector with half a vector', binary({ vectors: [sslVector(1, 0, Buffer.of(0x21, 0, 9, 0x54))] }), 'vector_malformed'],
  ['two authorities', binary({ vectors: [vector(0x02, 'a'), vector(0x02, 'a')] }), 'vector_repeated'],
  ['two names of one certificate', binary({ vectors: [sslVector(7, 0, vector(0x22, 'alice'), vector(0x22, 'mallory'))] }), 'vector_repeated'],
  ['two SSL vectors', binary({ vectors: [sslVector(0, 0), sslVector(7, 0)] }), 'vector_repeated'],
  ['two checksums', withChecksum(binary({ vectors: [CHECKSUM, CHECKSUM] })), 'vector_repeated'],
  ['a checksum of three bytes', binary({ vectors: [vector(0x03, Buffer.alloc(3))] }), 'vector_malformed'],
  ['a checksum of zeros', binary({ vectors: [CHECKSUM] }), 'checksum_wrong'],
  ['a right checksum, and another address', corrupted(withChecksum(binary({ vectors: [CHECKSUM] })), 19), 'checksum_wrong'],
  ['a right checksum, and another command', corrupted(withChecksum(binary({ vectors: [CHECKSUM] })), 12), 'checksum_wrong'],
  ['a wrong checksum with LOCAL', binary({ command: 0x20, family: 0, addresses: NOTHING, vectors: [CHECKSUM] }), 'checksum_wrong'],
  ['a wrong checksum with LOCAL, after many vectors', binary({ command: 0x20, family: 0, addresses: NOTHING, vectors: [...Array.from({ length: 30 }, () => vector(0x01, 'h2')), CHECKSUM] }), 'checksum_wrong'],
  ['a wrong checksum without addresses', binary({ family: 0, addresses: NOTHING, vectors: [CHECKSUM] }), 'checksum_wrong'],
  ['two certificates of one client', binary({ vectors: [sslVector(7, 0, vector(0x28, 'a'), vector(0x28, 'a'))] }), 'vector_repeated'],
  ['as many authorities as fit', binary({ vectors: Array.from({ length: 16_380 }, () => vector(0x02, 'a')) }), 'vector_repeated'],
  ['a right checksum after as many vectors', withChecksum(binary({ vectors: [...Array.from({ length: 20 }, () => vector(0x01, 'h2')), CHECKSUM] })), 'vector_repeated'],
  ['a signature with another last byte', corrupted(binary(), 11), 'missing'],
  ['a signature with another first byte', corrupted(binary(), 0), 'missing'],
  ['two empty lines, and no signature', Buffer.from('\r\n\r\nGET / HTTP/1.1\r\n'), 'missing']
]

for (const [description, bytes, header] of GOOD) {
  t.test(`a header is accepted: ${description}`, async (t) => {
    t.strictSame(readHeader(bytes), { state: 'complete', header, length: bytes.length })
    t.strictSame(readHeader(Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n\r\n')])), { state: 'complete', header, length: bytes.length }, 'with a request after it')
    let early = 0
    for (let length = 0; length < bytes.length; length++) if (readHeader(bytes.subarray(0, length)).state !== 'incomplete') early++
    t.equal(early, 0, 'and no part of it is accepted')
  })
}

for (const [description, bytes, fault] of BAD) {
  t.test(`a header is refused: ${description}`, async (t) => {
    t.strictSame(readHeader(bytes), { state: 'wrong', fault })
  })
}
