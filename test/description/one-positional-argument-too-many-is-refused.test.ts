import t from 'tap'
import { refusesWith, takes } from './refusal.js'

t.test('a positional argument that the type has no place for is refused', (t) => {
  refusesWith(t, [
    ['tcp:80:127.0.0.1:50:1', 'TOO_MANY_ARGUMENTS',
      `tcp: "1" is one positional argument too many; ${takes('tcp')}. A ":" within a value is written "\\:"`, 'tcp:80:127.0.0.1:50:'],
    ['tcp:80:::1', 'TOO_MANY_ARGUMENTS',
      `tcp: "1" is one positional argument too many; ${takes('tcp')}. A ":" within a value is written "\\:"`, 'tcp:80:::'],
    ['unix:/a:666:50:1:x', 'TOO_MANY_ARGUMENTS',
      `unix: "x" is one positional argument too many; ${takes('unix')}. A ":" within a value is written "\\:"`, 'unix:/a:666:50:1:'],
    ['stdio:x', 'TOO_MANY_ARGUMENTS',
      `stdio: "x" is one positional argument too many; ${takes('stdio')}. A ":" within a value is written "\\:"`, 'stdio:'],
    ['stdio::', 'TOO_MANY_ARGUMENTS',
      `stdio: "" is one positional argument too many; ${takes('stdio')}. A ":" within a value is written "\\:"`, 'stdio:'],
    ['fd:3:4', 'TOO_MANY_ARGUMENTS',
      `fd: "4" is one positional argument too many; ${takes('fd')}. A ":" within a value is written "\\:"`, 'fd:3:'],
    ['tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:ca.pem', 'TOO_MANY_ARGUMENTS',
      `tls: "ca.pem" is one positional argument too many; ${takes('tls')}. A ":" within a value is written "\\:"`, 'tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:'],
    ['tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:ciphers=A:B', 'TOO_MANY_ARGUMENTS',
      `tls: "B" is one positional argument too many; ${takes('tls')}. A ":" within a value is written "\\:": perhaps "ciphers=A\\:B"`, 'tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:ciphers=A:']
  ])
})
