import t from 'tap'
import { parseEndpoint, quoteEndpointArgument as quote } from '../../lib/description/index.js'

t.test('a port is 0 to 65535, and leading zeros are decimal', (t) => {
  for (const [text, port] of [['0', 0], ['65535', 65535], ['0080', 80]] as const) {
    t.match(parseEndpoint(`tcp:${text}`), { port }, text)
  }
  t.end()
})

t.test('a backlog is 1 to 2147483647', (t) => {
  t.match(parseEndpoint('tcp:80:backlog=1'), { backlog: 1 })
  t.match(parseEndpoint('tcp:80:backlog=2147483647'), { backlog: 2147483647 })
  t.end()
})

t.test('a mode is octal, with a leading zero, the prefix 0o or neither', (t) => {
  for (const [text, mode] of [['0', 0], ['660', 0o660], ['0660', 0o660], ['0o660', 0o660], ['0O660', 0o660], ['7777', 0o7777], ['00000660', 0o660]] as const) {
    t.match(parseEndpoint(`unix:/a:mode=${text}`), { mode }, text)
  }
  t.end()
})

t.test('an interface is an address of either family, with or without a zone, or a host name', (t) => {
  for (const address of ['127.0.0.1', '::', '::1', '::ffff:10.0.0.1', 'fe80::1%eth0', 'localhost', 'db-1.example.org', 'my_host', 'bücher.example', 'a'.repeat(253)]) {
    t.match(parseEndpoint(`tcp:80:interface=${quote(address)}`), { interface: address }, address)
    t.match(parseEndpoint(`tcp6:80:interface=${quote(address)}`), { interface: address }, address)
  }
  t.end()
})

t.test('an empty interface means every IPv4 address', (t) => {
  t.match(parseEndpoint('tcp:80:'), { interface: '' })
  t.match(parseEndpoint('ssl:443:interface='), { interface: '' })
  t.end()
})

t.test('a path may hold anything that a file name may', (t) => {
  for (const path of ['a=b:c\\d', ' ', '~/$HOME/*', 'é\n', '😀']) {
    t.match(parseEndpoint(`ssl:443:privateKey=${quote(path)}`), { privateKey: path, certKey: path }, path)
  }
  t.end()
})

t.test('a unix address has up to 107 bytes', (t) => {
  for (const address of ['a'.repeat(107), 'é'.repeat(53), `\0${'a'.repeat(106)}`]) {
    t.match(parseEndpoint(`unix:${address}`), { address })
  }
  t.end()
})

t.test('an abstract unix address has no lock file', (t) => {
  t.match(parseEndpoint('unix:\0a'), { address: '\0a', lockfile: false })
  t.match(parseEndpoint('unix:\0a:lockfile=0'), { address: '\0a', lockfile: false })
  t.end()
})

t.test('several keys or certificates are separated by commas, and a comma within a path is escaped', (t) => {
  t.match(parseEndpoint('ssl:443:privateKey=rsa.key,ec.key:certKey=rsa.pem,ec.pem'), {
    privateKey: 'rsa.key', certKey: 'rsa.pem', otherPairs: [{ privateKey: 'ec.key', certKey: 'ec.pem' }]
  })
  t.match(parseEndpoint('tls:443:privateKey=rsa.pem,ec.pem'), { privateKey: 'rsa.pem', certKey: 'rsa.pem', otherPairs: [{ privateKey: 'ec.pem', certKey: 'ec.pem' }] })
  t.notOk('otherPairs' in parseEndpoint('tls:443:privateKey=k'))
  t.match(parseEndpoint(`ssl:443:privateKey=${quote('Acme\\, Inc.key')}`), { privateKey: 'Acme, Inc.key', certKey: 'Acme, Inc.key' })
  t.end()
})
