import t from 'tap'
import { parseRedisAddress } from '../../lib/revocation/sources/redis/address.js'

const rows: Array<[line: string, expected: object]> = [
  ['redis://localhost?key=revoked', { name: 'redis://localhost:6379/0?key=revoked', kind: 'server', hosts: [{ host: 'localhost', port: 6379 }], database: 0, isTls: false, key: 'revoked' }],
  ['rediss://gate:p%40ss@redis.example.org:6380/12?key=a%26b&ca=ca.pem', { name: 'rediss://redis.example.org:6380/12?key=a%26b', hosts: [{ host: 'redis.example.org', port: 6380 }], database: 12, isTls: true, key: 'a&b', user: 'gate', password: 'p@ss', authoritiesFile: '/lists/ca.pem' }],
  ['REDIS://[::1]:7000/?key=revoked&passwordFile=%2Fetc%2Fpassword', { name: 'redis://[::1]:7000/0?key=revoked', hosts: [{ host: '::1', port: 7000 }], passwordFile: '/etc/password' }]
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
  ['redis://localhost/0?key=a&hunter2=b', /a parameter that is none of key, passwordFile, ca/],
  ['redis://localhost/0?key=a#hunter2', /write # as %23/],
  ['redis://:hunter2@localhost/0?key=a&passwordFile=b', /give the password once/],
  ['redis://:hunter2%zz@localhost/0?key=a', /two hexadecimal digits/],
  ['redis://localhost/0?key=a&ca=ca.pem', /ca= is for rediss/],
  ['rediss://localhost/0?key=a&ca=', /must name a file/]
] as const) {
  t.test(`${line.slice(0, 60)} is an error that says what to write`, async (t) => {
    t.throws(() => parseRedisAddress(line, '/', 'revocation list "a" line 3', { line: 3 }), { code: 'FST_ENDPOINT_REDIS_ADDRESS', message, line: 3 })
    try { parseRedisAddress(line, '/') } catch (error) { t.notMatch((error as Error).message, /hunter2/) }
  })
}
