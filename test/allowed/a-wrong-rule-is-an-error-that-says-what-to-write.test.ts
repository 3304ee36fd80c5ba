import t from 'tap'
import { problemOfRule } from '../support/allowed.js'

const HASH = `sha256//${Buffer.alloc(32, 1).toString('base64')}`
const KINDS = 'a rule begins with one of uri:, dns:, email:, ip:, cn:, tbs:, spki:'
const ROLES = 'is not a role: a role has 1 to 64 characters of A-Z, a-z, 0-9, ".", "_" and "-"; put commas without spaces between roles'
const FIELD = 'is neither issuer= nor role=; write a space in a pattern as %20'
const ISSUER = 'write issuer=sha256//<base64>, the hash of the SubjectPublicKeyInfo of an authority, the base64 of 32 bytes with its = at the end'
const CONTROL = 'a name with a control character matches no rule, so a rule cannot have one'
const URI = 'a URI begins with a scheme and a colon, and has printable ASCII characters only'
const URI_STAR = 'uri: allows a * only at the end, after a slash, for one or more whole segments of the path'
const URI_WILDCARD = 'before the /* of uri: write a scheme, //, a host and path segments, without port, user, query, fragment or %, and without the segments "", "." and ".."'
const SPIFFE = 'a SPIFFE ID begins with spiffe://, in lower case'
const SEGMENTS = 'the segments of a SPIFFE ID have characters of A-Z, a-z, 0-9, ".", "-" and "_", and are not "", "." or ".."'
const TRUST_DOMAIN = 'the trust domain of a SPIFFE ID has at most 255 characters of a-z, 0-9, ".", "-" and "_"'
const HOST = 'a host has labels of letters, digits, "-" and "_", of at most 63 characters, with dots between them'
const DNS_STAR = 'dns: allows one *, as the whole leftmost label'
const EMAIL = 'write an email as local@host, or as *@host for any local part'
const EMAIL_STAR = 'email: allows a * only for the whole local part: *@host'
const LOCAL = 'the local part of an email has printable ASCII characters only'
const IP = 'write an address (192.0.2.1, 2001:db8::1) or a network (192.0.2.0/24, 2001:db8::/32)'
const PERCENT = 'a % must be followed by two hexadecimal digits; write %25 for the character itself'
const STAR = '%2A is a "*" as part of a name, and a name with a "*" matches no rule; write * for a wildcard'

const rows: Array<[description: string, line: string, message: string]> = [
  ['a line without a colon', 'alice', `${KINDS} and a pattern`],
  ['only a kind', 'dns', `${KINDS} and a pattern; did you mean dns:?`],
  ['a kind that does not exist', 'dn:example.org', `${KINDS}; did you mean dns:?`],
  ['a kind in upper case', 'DNS:example.org', `${KINDS}; did you mean dns:?`],
  ['a kind that resembles no other', 'fingerprint:01', KINDS],
  ['a serial number', 'serial:01', 'serial: is for a revocation list, which revokedFile names; a rule begins with one of uri:, dns:, email:, ip:, cn:, tbs:, spki:'],
  ['distribution points', 'cdp:', 'cdp: is for a revocation list, which revokedFile names; a rule begins with one of uri:, dns:, email:, ip:, cn:, tbs:, spki:'],
  ['a URI without its kind', 'spiffe://example.org/a', `${KINDS}; write uri: before a URI`],
  ['a kind that is the name of a property of every object', '__proto__:x', KINDS],
  ['only a pattern', ':example.org', KINDS],
  ['a space after the kind', 'dns: example.org', 'write a pattern after dns:, without a space between them'],
  ['a space before the colon', 'dns :example.org', `${KINDS} and a pattern; did you mean dns:?`],
  ['nothing after uri:', 'uri:', 'write a pattern after uri:, without a space between them'],
  ['a line that is too long', `cn:${'a'.repeat(8190)}`, 'the line is longer than 8192 characters'],

  ['a space in a commonName', 'cn:legacy scanner', `"scanner" ${FIELD}`],
  ['two names in a line', 'dns:a.example.org dns:b.example.org', `"dns:b.example.org" ${FIELD}`],
  ['a comment after a rule', 'dns:a.example.org # mine', `"#" ${FIELD}`],
  ['a field that does not exist', 'dns:a.example.org roles=a', `"roles=a" ${FIELD}`],
  ['a field in upper case', 'dns:a.example.org Role=a', `"Role=a" ${FIELD}`],
  ['a space around an equals sign', 'dns:a.example.org role =a', `"role" ${FIELD}`],
  ['two lists of roles', 'dns:a.example.org role=a role=b', 'role= is given twice: write it once, with commas between the roles'],
  ['two issuers', `dns:a.example.org issuer=${HASH} issuer=${HASH}`, 'issuer= is given twice: write it once'],
  ['no role after role=', 'dns:a.example.org role=', `"" ${ROLES}`],
  ['a comma at the end of roles', 'dns:a.example.org role=a,', `"" ${ROLES}`],
  ['spaces between roles', 'dns:a.example.org role=a, b', `"" ${ROLES}`],
  ['a role with a star', 'dns:a.example.org role=*', `"*" ${ROLES}`],
  ['a role with letters beyond ASCII', 'dns:a.example.org role=rôle', `"rôle" ${ROLES}`],
  ['an invisible role', 'dns:a.example.org role=\u200badmin', `"<U+200B>admin" ${ROLES}`],
  ['a role that is too long', `dns:a.example.org role=${'a'.repeat(65)}`, `"${'a'.repeat(65)}" ${ROLES}`],
  ['too many roles', `dns:a.example.org role=${Array.from({ length: 65 }, (_, at) => `r${at}`).join(',')}`, 'it has more than 64 roles'],
  ['an issuer of another hash', 'dns:a.example.org issuer=sha1//AAAA', ISSUER],
  ['a truncated issuer', `dns:a.example.org issuer=${HASH.slice(0, -1)}`, ISSUER],
  ['an issuer of 31 bytes', `dns:a.example.org issuer=sha256//${Buffer.alloc(31).toString('base64')}`, ISSUER],
  ['an issuer in base64url', `dns:a.example.org issuer=sha256//${Buffer.alloc(32, 0xff).toString('base64url')}=`, ISSUER],
  ['an issuer with unused bits', `dns:a.example.org issuer=${HASH.slice(0, -2)}F=`, ISSUER],

  ['a percent sign alone', 'cn:100%', PERCENT],
  ['a percent sign before one digit', 'cn:a%2', PERCENT],
  ['a percent sign before no digits', 'cn:a%zz', PERCENT],
  ['bytes that are not UTF-8', 'cn:%ff', 'the bytes written as %HH are not UTF-8'],
  ['an overlong encoding of a character', 'cn:%c0%af', 'the bytes written as %HH are not UTF-8'],
  ['a NUL', 'cn:alice%00', CONTROL],
  ['a line feed', 'dns:a%0aexample.org', CONTROL],
  ['a carriage return', 'uri:https://example.org/\r', CONTROL],
  ['a control character of Latin-1', 'cn:%C2%85', CONTROL],
  ['a star written as a byte, in dns', 'dns:%2a.example.org', STAR],
  ['a star written as a byte, in email', 'email:%2A@example.org', STAR],

  ['a URI without a scheme', 'uri:example.org/a', URI],
  ['a scheme alone', 'uri:https:', URI],
  ['letters beyond ASCII in a URI', 'uri:https://example.org/ü', URI],
  ['a star in a scheme', 'uri:*://example.org/a', URI],
  ['a star in an authority', 'uri:https://*.example.org/a', URI_STAR],
  ['a star within a path', 'uri:https://example.org/*/a', URI_STAR],
  ['a star that is part of a segment', 'uri:https://example.org/a*', URI_STAR],
  ['two stars', 'uri:https://example.org/**', URI_STAR],
  ['two segments of stars', 'uri:https://example.org/*/*', URI_STAR],
  ['a star for the whole authority', 'uri:spiffe://*', URI_WILDCARD],
  ['a star after an empty host', 'uri:spiffe:///*', URI_WILDCARD],
  ['a star in place of the host', 'uri:https:/*', URI_WILDCARD],
  ['a star after an opaque URI', 'uri:urn:example/*', URI_WILDCARD],
  ['a star after a port', 'uri:https://example.org:8443/*', URI_WILDCARD],
  ['a star after a user', 'uri:https://alice@example.org/*', URI_WILDCARD],
  ['a star after a query', 'uri:https://example.org/a?b/*', URI_WILDCARD],
  ['a star after a fragment', 'uri:https://example.org/a#b/*', URI_WILDCARD],
  ['a star after a percent sign', 'uri:https://example.org/a%20b/*', URI_WILDCARD],
  ['a star after an empty segment', 'uri:https://example.org//*', URI_WILDCARD],
  ['a star after a dot segment', 'uri:https://example.org/a/../*', URI_WILDCARD],
  ['a star after a backslash', 'uri:https://example.org/a\\b/*', URI_WILDCARD],
  ['a SPIFFE ID in upper case', 'uri:SPIFFE://example.org/a', SPIFFE],
  ['a SPIFFE ID without slashes', 'uri:spiffe:example.org/a', SPIFFE],
  ['a SPIFFE ID without a path', 'uri:spiffe://example.org', 'the SPIFFE ID of a workload has a path'],
  ['a SPIFFE ID without a trust domain', 'uri:spiffe:///a', TRUST_DOMAIN],
  ['a trust domain in upper case', 'uri:spiffe://Example.org/a', TRUST_DOMAIN],
  ['a trust domain with a port', 'uri:spiffe://example.org:443/a', TRUST_DOMAIN],
  ['a trust domain in upper case before a star', 'uri:spiffe://Example.org/*', TRUST_DOMAIN],
  ['a trust domain that is too long', `uri:spiffe://${'a'.repeat(256)}/a`, TRUST_DOMAIN],
  ['a SPIFFE ID that ends with a slash', 'uri:spiffe://example.org/a/', SEGMENTS],
  ['a SPIFFE ID with a dot segment', 'uri:spiffe://example.org/../a', SEGMENTS],
  ['a SPIFFE ID with a query', 'uri:spiffe://example.org/a?b', SEGMENTS],
  ['a SPIFFE ID with a percent sign', 'uri:spiffe://example.org/%61', SEGMENTS],
  ['a SPIFFE ID that is too long', `uri:spiffe://example.org/${'a'.repeat(2048)}`, 'a SPIFFE ID has at most 2048 bytes'],

  ['a host that ends with a dot', 'dns:example.org.', 'a host ends without a dot'],
  ['a host with an empty label', 'dns:a..example.org', HOST],
  ['a host that begins with a dot', 'dns:.example.org', HOST],
  ['a label that is too long', `dns:${'a'.repeat(64)}.example.org`, HOST],
  ['a host that is too long', `dns:${'a.'.repeat(126)}org`, HOST],
  ['a label that begins with a hyphen', 'dns:-a.example.org', HOST],
  ['a host with a port', 'dns:example.org:443', HOST],
  ['a host with a slash', 'dns:example.org/a', HOST],
  ['a host with a space', 'dns:a%20b.example.org', HOST],
  ['a star alone', 'dns:*', DNS_STAR],
  ['a star that is part of a label', 'dns:a*.example.org', DNS_STAR],
  ['a star in the middle', 'dns:a.*.example.org', DNS_STAR],
  ['a star before a star', 'dns:*.*.example.org', DNS_STAR],
  ['a star before an empty host', 'dns:*.', HOST],
  ['a U-label', 'dns:bücher.example', 'certificates contain the ASCII form of such a host: write xn--bcher-kva.example'],
  ['a U-label after a star', 'dns:*.bücher.example', 'certificates contain the ASCII form of such a host: write *.xn--bcher-kva.example'],
  ['a dot of another script', 'dns:example。org', 'certificates contain the ASCII form of such a host: write example.org'],
  ['a label without an A-label', 'dns:\u200f.example', 'certificates contain the ASCII form of such a host'],
  ['letters of full width', 'dns:ｅxample.org', 'certificates contain the ASCII form of such a host: write example.org'],
  ['an address in dns', 'dns:192.0.2.1', 'this is an address: write ip: before it'],
  ['an IPv6 address in dns', 'dns:::1', 'this is an address: write ip: before it'],

  ['an email without a host', 'email:alice', EMAIL],
  ['an email without a local part', 'email:@example.org', EMAIL],
  ['an email with two @', 'email:a@b@example.org', EMAIL],
  ['an email with an @ written as a byte', 'email:a%40b@example.org', EMAIL],
  ['an email whose host is empty', 'email:alice@', HOST],
  ['an email whose host ends with a dot', 'email:alice@example.org.', 'a host ends without a dot'],
  ['a star as part of a local part', 'email:al*@example.org', EMAIL_STAR],
  ['a star in the host of an email', 'email:alice@*.example.org', EMAIL_STAR],
  ['a star for the host of an email', 'email:*@*', EMAIL_STAR],
  ['a local part that is not ASCII', 'email:älice@example.org', LOCAL],
  ['a local part with a space', 'email:a%20b@example.org', LOCAL],
  ['a U-label in an email', 'email:a@bücher.example', 'certificates contain the ASCII form of such a host: write a@xn--bcher-kva.example'],

  ['a name in ip', 'ip:example.org', IP],
  ['a network without a prefix length', 'ip:10.0.0.0/', IP],
  ['a prefix length with a leading zero', 'ip:10.0.0.0/08', IP],
  ['a negative length', 'ip:10.0.0.0/-1', IP],
  ['a mask in place of a prefix length', 'ip:10.0.0.0/255.0.0.0', IP],
  ['an address with a leading zero', 'ip:010.0.0.1', IP],
  ['an address with a star', 'ip:10.0.0.*', IP],
  ['an address with a zone', 'ip:fe80::1%25eth0', IP],
  ['an address in brackets', 'ip:[::1]', IP],
  ['an address as one number', 'ip:167772161', IP],
  ['a length beyond IPv4', 'ip:10.0.0.0/33', 'the prefix of a network of this kind has at most 32'],
  ['a length beyond IPv6', 'ip:::/129', 'the prefix of a network of this kind has at most 128'],
  ['bits beyond the network', 'ip:10.0.0.0/1', 'the address has bits beyond /1: write the address of the network itself'],
  ['bits beyond the network, within a byte', 'ip:172.16.0.0/11', 'the address has bits beyond /11: write the address of the network itself'],
  ['bits beyond the network of IPv6', 'ip:2001:db8::1/64', 'the address has bits beyond /64: write the address of the network itself'],

  ['a star in cn', 'cn:*', 'cn: has no wildcards'],
  ['a star within a commonName', 'cn:alice*', 'cn: has no wildcards'],
  ['a fingerprint in hexadecimal', `tbs:${'ab'.repeat(32)}`, 'write tbs:sha256//<base64>, the base64 of 32 bytes with its = at the end'],
  ['a truncated hash of a key', `spki:${HASH.slice(0, -4)}`, 'write spki:sha256//<base64>, the base64 of 32 bytes with its = at the end']
]

t.test('each error says what is wrong and what to write', async (t) => {
  for (const [description, line, message] of rows) t.equal(problemOfRule(line), message, description)
})

t.test('no error is longer than a screen, however long the rule is', async (t) => {
  for (const shape of ['x', 'dns:ü', 'email:ü', 'ip:1', 'cn:x ', 'cn:x role=!', 'cn:x issuer=', 'uri:', 'spki:']) {
    t.ok((problemOfRule(shape.padEnd(8000, 'ü'))?.length ?? Infinity) < 400, shape)
  }
})
