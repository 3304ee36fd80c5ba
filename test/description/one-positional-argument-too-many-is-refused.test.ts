import t from 'tap'
import { refusesWith, takes } from './refusal.js'

t.test('one positional argument too many is refused', (t) => {
  refusesWith(t, [
    ['tcp:80:127.0.0.1:50:1', 'TOO_MANY_ARGUMENTS',
      `tcp: "1" is one positional argument too many; ${takes('tcp')}. Write a ":" within a value as "\\:"`, 'tcp:80:127.0.0.1:50:'],
    ['tcp:80:::1', 'TOO_MANY_ARGUMENTS',
      `tcp: "1" is one positional argument too many; ${takes('tcp')}. Write a ":" within a value as "\\:"`, 'tcp:80:::'],
    ['unix:/a:666:50:1:x', 'TOO_MANY_ARGUMENTS',
      `unix: "x" is one positional argument too many; ${takes('unix')}. Write a ":" within a value as "\\:"`, 'unix:/a:666:50:1:'],
    ['stdio:x', 'TOO_MANY_ARGUMENTS',
      `stdio: "x" is one positional argument too many; ${takes('stdio')}. Write a ":" within a value as "\\:"`, 'stdio:'],
    ['stdio::', 'TOO_MANY_ARGUMENTS',
      `stdio: "" is one positional argument too many; ${takes('stdio')}. Write a ":" within a value as "\\:"`, 'stdio:'],
    ['fd:3:4', 'TOO_MANY_ARGUMENTS',
      `fd: "4" is one positional argument too many; ${takes('fd')}. Write a ":" within a value as "\\:"`, 'fd:3:'],
    ['tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:ca.pem', 'TOO_MANY_ARGUMENTS',
      `tls: "ca.pem" is one positional argument too many; ${takes('tls')}. Write a ":" within a value as "\\:"`, 'tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:'],
    ['tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:ciphers=A:B', 'TOO_MANY_ARGUMENTS',
      `tls: "B" is one positional argument too many; ${takes('tls')}. Write a ":" within a value as "\\:": perhaps "ciphers=A\\:B"`, 'tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:ciphers=A:']
  ])
})
