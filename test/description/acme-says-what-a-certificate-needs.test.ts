import t from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { refusal, refusesWith } from './refusal.js'

const REST = ':acmeStore=s:acmeTerms=agreed'

t.test('the arguments of ACME are read', (t) => {
  t.match(parseEndpoint(`tls:443:acme=example.org${REST}`), {
    acme: { names: ['example.org'], directory: 'https://acme-v02.api.letsencrypt.org/directory', contact: [], store: 's', wait: 0 }, verify: 'none', alpn: ['http/1.1']
  })
  t.notOk('privateKey' in parseEndpoint(`tls:443:acme=example.org${REST}`))
  t.match(parseEndpoint(
    `haproxy:tls:443:acme=Example.ORG,www.example.org,xn--bcher-kva.example${REST}:acmeDirectory=https\\://ca.example\\:14000/dir:acmeContact=a@example.org,b+c@example.org` +
    ':acmeCa=ca.pem:acmeEab=eab.txt:acmeProfile=shortlived:acmeChallenge=http-01:acmeWait=60:authorities=a.pem'
  ), {
    wrapped: {
      verify: 'required',
      acme: {
        names: ['example.org', 'www.example.org', 'xn--bcher-kva.example'],
        directory: 'https://ca.example:14000/dir',
        contact: ['a@example.org', 'b+c@example.org'],
        ca: 'ca.pem',
        eab: 'eab.txt',
        profile: 'shortlived',
        challenge: 'http-01',
        wait: 60
      }
    }
  })
  t.end()
})

t.test('names that no such challenge can prove are refused with the reason', (t) => {
  refusesWith(t, [
    [`tls:443:acme=*.example.org${REST}`, 'INVALID_ARGUMENT',
      'tls: acme cannot hold the wildcard "*.example.org", which only a record in DNS can prove: list the names one by one, or use certbot and certKey', 'tls:443:acme='],
    [`tls:443:acme=a.example,192.0.2.1${REST}`, 'INVALID_ARGUMENT',
      'tls: acme cannot hold the IP address "192.0.2.1", since clients send no server name for one: give a host name, or use certKey', 'tls:443:acme=a.example,'],
    [`tls:443:acme=[\\:\\:1]${REST}`, 'INVALID_ARGUMENT',
      'tls: acme cannot hold the IP address "[::1]", since clients send no server name for one: give a host name, or use certKey', 'tls:443:acme='],
    [`tls:443:acme=b\u00fccher.example${REST}`, 'INVALID_ARGUMENT',
      'tls: acme must be host names such as example.org, not "b\u00fccher.example"; write letters outside of ASCII as xn--\u2026', 'tls:443:acme='],
    ...['1.2.3', 'a.123', 'a.example.0x7f', '0x', '42'].map((name): [string, string, string, string] => [`tls:443:acme=${name}${REST}`, 'INVALID_ARGUMENT',
      `tls: acme must be host names such as example.org, not "${name}"; write letters outside of ASCII as xn--\u2026`, 'tls:443:acme=']),
    [`tls:443:acme=a.example,,b.example${REST}`, 'INVALID_ARGUMENT',
      'tls: acme must be host names such as example.org, not ""; write letters outside of ASCII as xn--\u2026', 'tls:443:acme=a.example,'],
    [`tls:443:acme=a.example,A.example${REST}`, 'INVALID_ARGUMENT', 'tls: acme holds "a.example" twice: remove one of them', 'tls:443:acme=a.example,'],
    [`tls:443:acme=${REST}`, 'INVALID_ARGUMENT', 'tls: acme must not be empty: give the host names of the certificate, separated by commas', 'tls:443:acme='],
    ['tls:443:acme=a.example:acmeStore=s:acmeTerms=yes', 'INVALID_ARGUMENT', 'tls: acmeTerms must be agreed, which says that you accept the terms of the directory, whose address fastify-endpoint check --online shows, not "yes"', 'tls:443:acme=a.example:acmeStore=s:acmeTerms='],
    [`tls:443:acme=a.example${REST}:acmeDirectory=http\\://ca.example/`, 'INVALID_ARGUMENT',
      'tls: acmeDirectory must be an https URL with each ":" as "\\:", not "http://ca.example/"', `tls:443:acme=a.example${REST}:acmeDirectory=`],
    [`tls:443:acme=a.example${REST}:acmeDirectory=https\\://user@ca.example/`, 'INVALID_ARGUMENT',
      'tls: acmeDirectory must be an https URL without a user and without "#", not "https://user@ca.example/"', `tls:443:acme=a.example${REST}:acmeDirectory=`],
    [`tls:443:acme=a.example${REST}:acmeContact=a@example.org,nobody`, 'INVALID_ARGUMENT',
      'tls: acmeContact must be e-mail addresses separated by commas, not "nobody"', `tls:443:acme=a.example${REST}:acmeContact=a@example.org,`],
    [`tls:443:acme=a.example${REST}:acmeProfile=short lived`, 'INVALID_ARGUMENT',
      'tls: acmeProfile must be 1 to 64 letters, digits, ".", "_" and "-", not "short lived"', `tls:443:acme=a.example${REST}:acmeProfile=short`]
  ])
})

t.test('what is missing, or has no effect, is named', (t) => {
  const others = (text: string): string[] => {
    const error = refusal(text) as Error & { errors?: readonly Error[] }
    return [error, ...error.errors ?? []].map(({ message }) => message)
  }
  t.match(refusal('tls:443:acme=example.org:acmeTerms=agreed'), { code: 'FST_ENDPOINT_MISSING_ARGUMENT', argument: 'acmeStore', message: /a folder that outlives restarts, such as acmeStore=\/var\/lib\/app/ })
  t.match(refusal('tls:443:acme=example.org:acmeStore=s'), { code: 'FST_ENDPOINT_MISSING_ARGUMENT', argument: 'acmeTerms', message: /https:\/\/letsencrypt\.org\/repository\/, and write acmeTerms=agreed if you agree/ })
  t.match(refusal('tls:443:acme=example.org:acmeStore=s:acmeDirectory=https\\://ca.example/dir'), { argument: 'acmeTerms', message: /check --online shows for "https:\/\/ca\.example\/dir"/ })
  t.match(refusal(`tls:443:privateKey=k:acme=example.org${REST}`), { code: 'FST_ENDPOINT_CONFLICTING_ARGUMENTS', argument: 'acme', message: /acme has no effect beside privateKey/ })
  t.match(refusal(`tls:443:credentials=vault:acme=example.org${REST}`), { argument: 'credentials' })
  for (const name of ['certKey', 'privateKeyPassphraseFile', 'extraCertChain']) {
    t.match(refusal(`tls:443:acme=example.org${REST}:${name}=x`), { code: 'FST_ENDPOINT_CONFLICTING_ARGUMENTS', argument: name, message: `${name} has no effect beside acme, which gives the certificate` })
    t.match(refusal(`tls:443:credentials=vault:${name}=x`), { argument: name })
  }
  for (const [name, value] of Object.entries({
    acmeStore: 's', acmeTerms: 'agreed', acmeDirectory: 'https\\://a.example/', acmeContact: 'a@b.example', acmeCa: 'c', acmeEab: 'e', acmeProfile: 'p', acmeChallenge: 'http-01', acmeWait: '1'
  })) {
    t.match(refusal(`tls:443:privateKey=k:${name}=${value}`), { code: 'FST_ENDPOINT_CONFLICTING_ARGUMENTS', argument: name, message: `${name} has no effect without acme: no certificate is ordered` })
  }
  t.match(others('tls:443:acme=example.org'), [/acmeStore is missing/, /acmeTerms is missing/])
  t.match(others('tls:443:acm=example.org'), [/did you mean acme\?/])
  t.match(refusal('ssl:443:acme=example.org'), { message: /acme is an argument of tls/ })
  t.match(parseEndpoint(`tls:443:acme=example.org${REST}:sni=names`), { acme: { names: ['example.org'] }, sni: 'names' }, 'other names may have files')
  t.match(parseEndpoint('tls:443:credentials=vault'), { credentials: 'vault', verify: 'none' })
  t.end()
})

t.test('values are bounded', (t) => {
  const names = (count: number): string => Array.from({ length: count }, (_, index) => `n${index}.example`).join()
  t.ok(parseEndpoint(`tls:443:acme=${names(100)}${REST}`))
  t.match(refusal(`tls:443:acme=${names(101)}${REST}`), { code: 'FST_ENDPOINT_INVALID_ARGUMENT', message: /acme must hold at most 100 names/ })
  for (const name of [`${'a'.repeat(64)}.example`, `${'a.'.repeat(130)}example`, '-a.example', 'a_b.example', 'example.org.', ' example.org']) {
    t.match(refusal(`tls:443:acme=${name}${REST}`), { code: 'FST_ENDPOINT_INVALID_ARGUMENT', argument: 'acme' }, name)
  }
  for (const url of ['directory', 'https\\://', 'https\\://ca.example/a b', 'https\\://ca.example/#x']) {
    t.match(refusal(`tls:443:acme=a.example${REST}:acmeDirectory=${url}`), { code: 'FST_ENDPOINT_INVALID_ARGUMENT', argument: 'acmeDirectory' }, url)
  }
  t.end()
})
