import t from 'tap'
import { parseRedisAddress } from '../../lib/revocation/sources/redis/address.js'

const rows: Array<[line: string, expected: object]> = [
  ['redis://localhost?key=revoked', { name: 'redis://localhost:6379/0?key=revoked', kind: 'server', hosts: [{ host: 'localhost', port: 6379 }], database: 0, isTls: false, key: 'revoked' }],
  ['rediss://gate:p%40ss@redis.example.org:6380/12?key=a%26b&ca=ca.pem', { name: 'rediss://redis.example.org:6380/12?key=a%26b', hosts: [{ host: 'redis.example.org', port: 6380 }], database: 12, isTls: true, key: 'a&b', user: 'gate', password: 'p@ss', authoritiesFile: '/lists/ca.pem' }],
  ['REDIS://[::1]:7000/?key=revoked&passwordFile=%2Fetc%2Fpassword', { name: 'redis://[::1]:7000/0?key=revoked', hosts: [{ host: '::1', port: 7000 }], passwordFile: '/etc/password' }],
  ['rediss://192.0.2.1?key=revoked&serverName=redis.example.org', { hosts: [{ host: '192.0.2.1', port: 6379 }], serverName: 'redis.example.org' }],
  ['redis-sentinel://u:p%2Cq@s1.example.org,[2001:db8::1],[2001:db8::2]:7,10.0.0.1:8/3?master=main&key=revoked', {
    name: 'redis-sentinel://s1.example.org:26379,[2001:db8::1]:26379,[2001:db8::2]:7,10.0.0.1:8/3?master=main&key=revoked',
    kind: 'sentinel',
    hosts: [{ host: 's1.example.org', port: 26379 }, { host: '2001:db8::1', port: 26379 }, { host: '2001:db8::2', port: 7 }, { host: '10.0.0.1', port: 8 }],
    database: 3,
    isTls: false,
    user: 'u',
    password: 'p,q',
    master: 'main',
    sentinelUser: undefined
  }],
  ['Rediss-Sentinel://s1?master=main&key=revoked&sentinelUser=asker&sentinelPasswordFile=s.password&ca=ca.pem&serverName=redis', {
    name: 'rediss-sentinel://s1:26379/0?master=main&key=revoked',
    isTls: true,
    sentinelUser: 'asker',
    sentinelPasswordFile: '/lists/s.password',
    authoritiesFile: '/lists/ca.pem',
    serverName: 'redis'
  }],
  ['redis-cluster://a,b:7000/0?key=all{revoked}', { name: 'redis-cluster://a:6379,b:7000/0?key=all%7Brevoked%7D', kind: 'cluster', hosts: [{ host: 'a', port: 6379 }, { host: 'b', port: 7000 }], key: 'all{revoked}', master: undefined }]
]

for (const [line, expected] of rows) {
  t.test(`${line} is read`, async (t) => {
    t.match(parseRedisAddress(line, '/lists'), expected)
  })
}

for (const [line, message] of [
  ['http://localhost/0?key=revoked', /write redis:\/\/host:port\/database\?key=NAME/],
  ['redis:localhost', /write redis:\/\/host/],
  ['redis://hunter2@/0?key=a', /write redis:\/\/host/],
  ['redis://localhost:99999/0?key=a', /its host must have a port from 1 to 65535/],
  ['redis://localhost/zero?key=a', /number of a database/],
  ['redis://localhost/0', /key= must name the set/],
  [`redis://localhost/0?key=${'a'.repeat(513)}`, /at most 512 characters/],
  ['redis://localhost/0?key=a&key=b', /key= is given twice/],
  ['redis://localhost/0?key=a&hunter2=b', /an unknown parameter: the parameters are key, passwordFile, ca, serverName/],
  ['redis://localhost/0?key=a#hunter2', /write # as %23/],
  ['redis://:hunter2@localhost/0?key=a&passwordFile=b', /give the password once/],
  ['redis://:hunter2%zz@localhost/0?key=a', /two hexadecimal digits/],
  ['redis://localhost/0?key=a&ca=ca.pem', /ca= is for rediss/],
  ['rediss://localhost/0?key=a&ca=', /ca= must name a file/],
  ['redis://localhost/0?key=a&serverName=b', /serverName= is for rediss:\/\//],
  ['rediss://localhost/0?key=a&serverName=192.0.2.1', /serverName= must be a DNS name/],
  ['redis://hunter2,b/0?key=a', /it allows only one host; for several, write redis-sentinel:/],
  ['redis://localhost/0?key=a&master=hunter2', /master= is for redis-sentinel/],
  ['redis-sentinel:a', /write redis-sentinel:\/\/host:port,host:port\/database\?master=NAME&key=NAME/],
  ['redis-cluster:///0?key=a', /write redis-cluster:\/\/host:port,host:port\/\?key=\{NAME\}/],
  ['redis-sentinel://a,,b/0?master=m&key=a', /its host 2 must be a name or an IP address/],
  ['redis-sentinel://a, hunter2/0?master=m&key=a', /its host 2 must be .*no spaces/],
  ['redis-sentinel://2001:db8::1/0?master=m&key=a', /its host must be .*IPv6 in brackets/],
  ['redis-sentinel://a,[hunter2]/0?master=m&key=a', /its host 2 must be .*IPv6 in brackets/],
  ['redis-sentinel://a,b:0/0?master=m&key=a', /its host 2 must have a port from 1 to 65535/],
  ['redis-sentinel://a,b,a:26379/0?master=m&key=a', /its host 3 is given twice/],
  [`redis-sentinel://${Array.from({ length: 17 }, (_, index) => `h${index}`)}/0?master=m&key=a`, /more than 16 hosts/],
  ['redis-sentinel://a/0?key=a', /master= must be the sentinels' name of the primary/],
  ['redis-sentinel://a/0?master=m&key=a&sentinelUser=u', /the password of sentinelUser= with sentinelPasswordFile=/],
  ['redis-sentinel://a/0?master=m&key=a&sentinelUser=&sentinelPasswordFile=b', /sentinelUser= must name a user/],
  ['redis-sentinel://a/0?master=m&key=a&sentinelPasswordFile=', /sentinelPasswordFile= must name a file/],
  ['redis-sentinel://a/0?master=m&key=a&hunter2=b', /the parameters are master, sentinelUser, sentinelPasswordFile, key, passwordFile, ca, serverName/],
  ['redis-sentinel://a/0?master=m&key=a&ca=b', /ca= is for rediss-sentinel/],
  ['rediss-sentinel://a/0?master=m&key=a', /set ca= to your own CA, serverName=, or both/],
  ['rediss-cluster://a?key={a}', /set ca= to your own CA/],
  ['redis-cluster://a/1?key={a}', /a cluster has only database 0/],
  ['redis-cluster://a?key=a', /put a part of key= into braces, for example key=\{revoked\}/],
  ['redis-cluster://a?key={}a{b}', /put a part of key= into braces/],
  ['redis-cluster://%zz?key={a}', /its host must be/]
] as const) {
  t.test(`${line.slice(0, 60)} is an error that says what to write`, async (t) => {
    t.throws(() => parseRedisAddress(line, '/', 'revocation list "a" line 3', { file: 'a', line: 3 }), { code: 'FST_ENDPOINT_REDIS_ADDRESS', message, file: 'a', line: 3 })
    try { parseRedisAddress(line, '/') } catch (error) { t.notMatch((error as Error).message, /hunter2/) }
  })
}
