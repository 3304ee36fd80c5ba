import t from 'tap'
import { refusesWith } from './refusal.js'

t.test('a cipher list that OpenSSL cannot read is refused', (t) => {
  refusesWith(t, [
    ['tls:443:privateKey=k:ciphers=', 'INVALID_ARGUMENT',
      'tls: ciphers must not be empty: remove it for the default ciphers', 'tls:443:privateKey=k:ciphers='],
    ['tls:443:privateKey=k:ciphers=A B', 'INVALID_ARGUMENT',
      'tls: ciphers must be an OpenSSL cipher list, which cannot contain " "', 'tls:443:privateKey=k:ciphers=A'],
    ['tls:443:privateKey=k:ciphers=é', 'INVALID_ARGUMENT',
      'tls: ciphers must be an OpenSSL cipher list, which cannot contain "é"', 'tls:443:privateKey=k:ciphers=']
  ])
})
