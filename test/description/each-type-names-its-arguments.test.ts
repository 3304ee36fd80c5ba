import t from 'tap'
import { typeNames, type TypeName } from '../../lib/description/argument-table.js'
import { refusal, takes } from './refusal.js'

/** The one place that repeats the arguments of a type. A new argument is added here, and to no other message. */
const TAKES: Record<TypeName, string> = {
  tcp: 'tcp takes port, interface, backlog by position or name and reusePort by name',
  tcp6: 'tcp6 takes port, backlog, interface by position or name and ipv6Only by name',
  unix: 'unix takes address, mode, backlog, lockfile by position or name',
  ssl: 'ssl takes port, privateKey, certKey, sslmethod, interface, backlog, extraCertChain, dhParameters by position or name' +
    ' and privateKeyPassphraseFile by name',
  tls: 'tls takes port, privateKey, certKey, sslmethod, interface, backlog, extraCertChain, dhParameters by position or name' +
    ' and privateKeyPassphraseFile, authorities, anchors, revokedFile, allowedFile, verify, revocationDepth, unknownStatus, expiredCrl, sni, ciphers, alpn, handshakeTimeout, transport,' +
    ' acme, acmeStore, acmeTerms, acmeDirectory, acmeContact, acmeCa, acmeEab, acmeProfile, acmeChallenge, acmeWait, credentials by name',
  stdio: 'stdio takes no arguments',
  systemd: 'systemd takes domain, index, name by position or name',
  fd: 'fd takes fileno by position or name',
  haproxy: 'haproxy takes proxyFrom by name'
}

t.test('an error lists the arguments of its type in positional order', async (t) => {
  for (const type of typeNames) {
    const text = type === 'haproxy' ? 'haproxy:proxyFrom=::1:proxyFrom=::1:tcp:80' : `${type}:bogus=1`
    t.match(refusal(text).message, TAKES[type], text)
    t.equal(takes(type), TAKES[type])
  }
})
