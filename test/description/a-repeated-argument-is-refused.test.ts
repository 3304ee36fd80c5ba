import t from 'tap'
import { refusesWith, takes } from './refusal.js'

t.test('an argument that is given twice is refused, and the error shows how to escape a colon', (t) => {
  refusesWith(t, [
    ['tcp:80:interface=a:interface=b', 'REPEATED_ARGUMENT',
      `tcp: the argument interface is given twice; ${takes('tcp')}`, 'tcp:80:interface=a:'],
    ['tcp:port=80:81', 'REPEATED_ARGUMENT',
      `tcp: the argument port is given twice, once by its position and once by its name; ${takes('tcp')}. Write a ":" within a value as "\\:": perhaps "port=80\\:81"`, 'tcp:port=80:'],
    ['tcp:80:port=81', 'REPEATED_ARGUMENT',
      `tcp: the argument port is given twice, once by its position and once by its name; ${takes('tcp')}`, 'tcp:80:'],
    ['tcp:80:interface=::1', 'REPEATED_ARGUMENT',
      `tcp: the argument interface is given twice, once by its position and once by its name; ${takes('tcp')}. Write a ":" within a value as "\\:": perhaps "interface=\\:\\:1"`, 'tcp:80:interface=:'],
    ['tcp6:80:interface=fe80::1', 'REPEATED_ARGUMENT',
      `tcp6: the argument interface is given twice, once by its position and once by its name; ${takes('tcp6')}. Write a ":" within a value as "\\:": perhaps "interface=fe80\\:\\:1"`, 'tcp6:80:interface=fe80::'],
    ['ssl:443:privateKey=c:d.pem', 'REPEATED_ARGUMENT',
      `ssl: the argument privateKey is given twice, once by its position and once by its name; ${takes('ssl')}. Write a ":" within a value as "\\:": perhaps "privateKey=c\\:d.pem"`, 'ssl:443:privateKey=c:'],
    ['tls:443:privateKey=k:certKey=C:\\\\c.pem:ciphers=x', 'REPEATED_ARGUMENT',
      `tls: the argument privateKey is given twice, once by its position and once by its name; ${takes('tls')}. Write a ":" within a value as "\\:": perhaps "certKey=C\\:\\\\c.pem"`, 'tls:443:privateKey=k:certKey=C:'],
    ['haproxy:tcp:80:proxyFrom=10.0.0.0/8:proxyFrom=11.0.0.0/8', 'REPEATED_ARGUMENT',
      `haproxy: the argument proxyFrom is given twice; ${takes('haproxy')}`, 'haproxy:tcp:80:proxyFrom=10.0.0.0/8:'],
    ['haproxy:tcp:80:interface=::1', 'REPEATED_ARGUMENT',
      `tcp: the argument interface is given twice, once by its position and once by its name; ${takes('tcp')}. Write a ":" within a value as "\\:": perhaps "interface=\\:\\:1"`, 'haproxy:tcp:80:interface=:'],
    ['tls:privateKey=k:transport=tcp6\\:80\\:interface\\=\\:\\:1', 'REPEATED_ARGUMENT',
      `tls: transport "tcp6:80:interface=::1": tcp6: the argument interface is given twice, once by its position and once by its name; ${takes('tcp6')}. Write a ":" within a value as "\\:": perhaps "interface=\\:\\:1"`, 'tls:privateKey=k:transport=tcp6\\:80\\:interface\\=\\:\\:'],
    ['tcp:80:interface=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1', 'REPEATED_ARGUMENT',
      `tcp: the argument interface is given twice, once by its position and once by its name; ${takes('tcp')}. Write a ":" within a value as "\\:"`, 'tcp:80:interface=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:']
  ])
})
