import t from 'tap'
import { refusesWith, takes } from './refusal.js'

t.test('an unknown argument is refused, and the error suggests the nearest one', (t) => {
  refusesWith(t, [
    ['tcp:80:bogus=1', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "bogus": if the "=" belongs to a value, write "\\=". ${takes('tcp')}`, 'tcp:80:'],
    ['tcp:80:=x', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "": if the "=" belongs to a value, write "\\=". ${takes('tcp')}`, 'tcp:80:'],
    ['tcp:80:Interface=127.0.0.1', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "Interface": did you mean interface? ${takes('tcp')}`, 'tcp:80:'],
    ['tcp:80:interfcae=127.0.0.1', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "interfcae": did you mean interface? ${takes('tcp')}`, 'tcp:80:'],
    ['tcp:80:clé=x', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "clé": if the "=" belongs to a value, write "\\=". ${takes('tcp')}`, 'tcp:80:'],
    ['tcp:80:__proto__=x', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "__proto__": if the "=" belongs to a value, write "\\=". ${takes('tcp')}`, 'tcp:80:'],
    ['unix:foo=bar', 'UNKNOWN_ARGUMENT',
      `unix has no argument "foo": if the "=" belongs to a value, write "\\=". ${takes('unix')}`, 'unix:'],
    ['unix:/x:wantPID=0', 'UNKNOWN_ARGUMENT',
      `unix has no argument "wantPID": did you mean lockfile? ${takes('unix')}`, 'unix:/x:'],
    ['ssl:443:authorities=ca.crt', 'UNKNOWN_ARGUMENT',
      `ssl has no argument "authorities": authorities is an argument of tls. ${takes('ssl')}`, 'ssl:443:'],
    ['ssl:443:cert=c.pem', 'UNKNOWN_ARGUMENT',
      `ssl has no argument "cert": did you mean certKey? ${takes('ssl')}`, 'ssl:443:'],
    ['tls:443:privateKey=k:revokeFile=x', 'UNKNOWN_ARGUMENT',
      `tls has no argument "revokeFile": did you mean revokedFile? ${takes('tls')}`, 'tls:443:privateKey=k:'],
    ['tls:443:key=k', 'UNKNOWN_ARGUMENT',
      `tls has no argument "key": did you mean privateKey? ${takes('tls')}`, 'tls:443:'],
    ['stdio:at=all', 'UNKNOWN_ARGUMENT',
      `stdio has no argument "at": if the "=" belongs to a value, write "\\=". ${takes('stdio')}`, 'stdio:'],
    ['haproxy:tcp:80:proxyfrom=10.0.0.0/8', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "proxyfrom": proxyFrom is an argument of haproxy. ${takes('tcp')}`, 'haproxy:tcp:80:'],
    ['tcp:80:ipv6Only=1', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "ipv6Only": ipv6Only is an argument of tcp6. ${takes('tcp')}`, 'tcp:80:'],
    ['fd:3:privateKey=k', 'UNKNOWN_ARGUMENT',
      `fd has no argument "privateKey": privateKey is an argument of ssl, tls. ${takes('fd')}`, 'fd:3:']
  ])
})
