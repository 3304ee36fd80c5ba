/** A table from section 2.1 of the specification: the lines that it allows and forbids. */
import t from 'tap'
import { readHeader } from '../../lib/proxy-protocol/header.js'
import { line } from '../support/proxy-headers.js'

const IPV4 = { version: 1, command: 'PROXY', transport: 'stream' } as const
const longest = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'

const GOOD: Array<[description: string, bytes: Buffer, header: object]> = [
  ['the example of the specification', line('TCP4 192.168.0.1 192.168.0.11 56324 443'),
    { ...IPV4, source: { family: 'IPv4', address: '192.168.0.1', port: 56324 }, destination: { family: 'IPv4', address: '192.168.0.11', port: 443 } }],
  ['the longest line of TCP4: 56 bytes', line('TCP4 255.255.255.255 255.255.255.255 65535 65535'),
    { ...IPV4, source: { family: 'IPv4', address: '255.255.255.255', port: 65535 }, destination: { family: 'IPv4', address: '255.255.255.255', port: 65535 } }],
  ['the lowest numbers', line('TCP4 0.0.0.0 0.0.0.0 0 0'),
    { ...IPV4, source: { family: 'IPv4', address: '0.0.0.0', port: 0 }, destination: { family: 'IPv4', address: '0.0.0.0', port: 0 } }],
  ['the longest line of TCP6: 104 bytes', line(`TCP6 ${longest} ${longest} 65535 65535`),
    { ...IPV4, source: { family: 'IPv6', address: longest, port: 65535 }, destination: { family: 'IPv6', address: longest, port: 65535 } }],
  ['a double colon, and upper case', line('TCP6 2001:DB8::A ::1 56324 443'),
    { ...IPV4, source: { family: 'IPv6', address: '2001:db8::a', port: 56324 }, destination: { family: 'IPv6', address: '::1', port: 443 } }],
  ['zeros in sets of four digits, in one form afterwards', line('TCP6 2001:0db8:0000:0000:0000:0000:0000:000a 0:0:0:0:0:0:0:1 1 2'),
    { ...IPV4, source: { family: 'IPv6', address: '2001:db8::a', port: 1 }, destination: { family: 'IPv6', address: '::1', port: 2 } }],
  ['IPv4 within IPv6, as inet_ntop writes it', line('TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.7 56324 443'),
    { ...IPV4, source: { family: 'IPv6', address: '::ffff:192.0.2.1', port: 56324 }, destination: { family: 'IPv6', address: '::ffff:198.51.100.7', port: 443 } }],
  ['a client of IPv6 that nginx, which listens on IPv4, knows by realip', line('TCP6 2001:db8::a 192.0.2.7 56324 443'),
    { ...IPV4, source: { family: 'IPv6', address: '2001:db8::a', port: 56324 }, destination: { family: 'IPv6', address: '::ffff:192.0.2.7', port: 443 } }],
  ['a client of IPv4 in a line of TCP6', line('TCP6 192.0.2.7 2001:db8::a 56324 443'),
    { ...IPV4, source: { family: 'IPv6', address: '::ffff:192.0.2.7', port: 56324 }, destination: { family: 'IPv6', address: '2001:db8::a', port: 443 } }],
  ['a client of IPv4 that nginx, which listens on IPv6, knows by realip', line('TCP4 192.0.2.7 2001:db8::a 56324 443'),
    { ...IPV4, source: { family: 'IPv4', address: '192.0.2.7', port: 56324 }, destination: { family: 'IPv6', address: '2001:db8::a', port: 443 } }],
  ['UNKNOWN alone', line('UNKNOWN'), { version: 1, command: 'PROXY' }],
  ['UNKNOWN in its worst case: 107 bytes', line(`UNKNOWN ${longest} ${longest} 65535 65535`), { version: 1, command: 'PROXY' }],
  ['UNKNOWN with anything after it', line('UNKNOWN \0\r \n 999.168.0.1 \xff'), { version: 1, command: 'PROXY' }]
]

const BAD: Array<[description: string, bytes: Buffer, fault: string]> = [
  ['a number over 255', line('TCP4 999.168.0.1 192.168.0.11 56324 443'), 'address_invalid'],
  ['a leading zero in an address', line('TCP4 192.168.0.01 192.168.0.11 56324 443'), 'address_invalid'],
  ['a leading zero in the destination', line('TCP4 192.168.0.1 192.168.0.011 56324 443'), 'address_invalid'],
  ['three numbers', line('TCP4 192.168.1 192.168.0.11 56324 443'), 'address_invalid'],
  ['five numbers', line('TCP4 192.168.0.1.1 192.168.0.11 56324 443'), 'address_invalid'],
  ['an address in hexadecimal', line('TCP4 0xc0a80001 192.168.0.11 56324 443'), 'address_invalid'],
  ['the name of a host', line('TCP4 localhost 192.168.0.11 56324 443'), 'address_invalid'],
  ['digits of another script', Buffer.from('PROXY TCP4 192.168.0.١ 192.168.0.11 56324 443\r\n'), 'address_invalid'],
  ['addresses of IPv6 for TCP4', line('TCP4 ::1 ::1 56324 443'), 'address_invalid'],
  ['addresses of IPv4 for TCP6', line('TCP6 192.168.0.1 192.168.0.11 56324 443'), 'address_invalid'],
  ['an address of IPv6 as the client of TCP4', line('TCP4 ::1 192.168.0.11 56324 443'), 'address_invalid'],
  ['a leading zero in an IPv4 address next to IPv6', line('TCP6 ::1 192.168.0.011 56324 443'), 'address_invalid'],
  ['a host name next to an IPv6 address', line('TCP6 ::1 localhost 56324 443'), 'address_invalid'],
  ['a zone next to an IPv4 address', line('TCP4 192.168.0.1 fe80::1%eth0 56324 443'), 'address_invalid'],
  ['two double colons', line('TCP6 1::2::3 ::1 56324 443'), 'address_invalid'],
  ['five digits in a set', line('TCP6 00001::1 ::1 56324 443'), 'address_invalid'],
  ['nine sets', line('TCP6 1:2:3:4:5:6:7:8:9 ::1 56324 443'), 'address_invalid'],
  ['seven sets', line('TCP6 1:2:3:4:5:6:7 ::1 56324 443'), 'address_invalid'],
  ['brackets', line('TCP6 [::1] [::1] 56324 443'), 'address_invalid'],
  ['a zone', line('TCP6 fe80::1%eth0 ::1 56324 443'), 'address_invalid'],
  ['a leading zero in IPv4 within IPv6', line('TCP6 ::ffff:192.0.2.01 ::1 56324 443'), 'address_invalid'],
  ['a port over 65535', line('TCP4 192.168.0.1 192.168.0.11 65536 443'), 'port_invalid'],
  ['a leading zero in a port', line('TCP4 192.168.0.1 192.168.0.11 056324 443'), 'port_invalid'],
  ['a leading zero in the other port', line('TCP4 192.168.0.1 192.168.0.11 56324 0443'), 'port_invalid'],
  ['a port of two zeros', line('TCP4 192.168.0.1 192.168.0.11 00 443'), 'port_invalid'],
  ['a sign', line('TCP4 192.168.0.1 192.168.0.11 +56324 443'), 'port_invalid'],
  ['a negative port', line('TCP4 192.168.0.1 192.168.0.11 -1 443'), 'port_invalid'],
  ['a port in hexadecimal', line('TCP4 192.168.0.1 192.168.0.11 0x50 443'), 'port_invalid'],
  ['a port in exponents', line('TCP4 192.168.0.1 192.168.0.11 1e3 443'), 'port_invalid'],
  ['no second port', line('TCP4 192.168.0.1 192.168.0.11 56324'), 'line_malformed'],
  ['no addresses', line('TCP4'), 'line_malformed'],
  ['other text after the ports', line('TCP4 192.168.0.1 192.168.0.11 56324 443 x'), 'line_malformed'],
  ['a space after the ports', line('TCP4 192.168.0.1 192.168.0.11 56324 443 '), 'line_malformed'],
  ['two spaces', line('TCP4  192.168.0.1 192.168.0.11 56324 443'), 'line_malformed'],
  ['two spaces before the family', line(' TCP4 192.168.0.1 192.168.0.11 56324 443'), 'line_malformed'],
  ['two spaces between the ports', line('TCP4 192.168.0.1 192.168.0.11 56324  443'), 'line_malformed'],
  ['a tab', line('TCP4\t192.168.0.1 192.168.0.11 56324 443'), 'line_malformed'],
  ['a family in lower case', line('tcp4 192.168.0.1 192.168.0.11 56324 443'), 'line_malformed'],
  ['an unknown family', line('UDP4 192.168.0.1 192.168.0.11 56324 443'), 'line_malformed'],
  ['UNKNOWN in lower case', line('unknown'), 'line_malformed'],
  ['text directly after UNKNOWN', line('UNKNOWNS'), 'line_malformed'],
  ['nothing after PROXY', line(''), 'line_malformed'],
  ['no space after PROXY', Buffer.from('PROXY\r\n'), 'missing'],
  ['PROXY in lower case', Buffer.from('proxy TCP4 192.168.0.1 192.168.0.11 56324 443\r\n'), 'missing'],
  ['a single LF, and then no CRLF for a long time', Buffer.from(`PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\nGET / HTTP/1.1\nhost: a${'.'.repeat(60)}\r\n`), 'line_too_long'],
  ['an LF alone before a CRLF', Buffer.from('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\nGET / HTTP/1.1\r\n'), 'line_malformed'],
  ['a CR alone before a CRLF', Buffer.from('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\rGET\r\n'), 'port_invalid'],
  ['a CRLF that begins at the 107th byte', line(`UNKNOWN ${'x'.repeat(92)}`), 'line_too_long'],
  ['a line that never ends', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(1000)}`), 'line_too_long'],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n'), 'missing'],
  ['HTTP whose method begins like PROXY', Buffer.from('PROPFIND / HTTP/1.1\r\n'), 'missing'],
  ['a ClientHello', Buffer.from('160301', 'hex'), 'missing'],
  ['one byte that PROXY does not begin with', Buffer.from('X'), 'missing']
]

for (const [description, bytes, header] of GOOD) {
  t.test(`a header is accepted: ${description}`, async (t) => {
    t.strictSame(readHeader(bytes), { state: 'complete', header, length: bytes.length })
    t.strictSame(readHeader(Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n\r\n')])), { state: 'complete', header, length: bytes.length }, 'with a request after it')
    for (let length = 0; length < bytes.length; length++) t.same(readHeader(bytes.subarray(0, length)), { state: 'incomplete' }, `${length} bytes of it`)
  })
}

for (const [description, bytes, fault] of BAD) {
  t.test(`a header is refused: ${description}`, async (t) => {
    t.strictSame(readHeader(bytes), { state: 'wrong', fault })
  })
}
