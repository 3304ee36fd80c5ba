import t from 'tap'
import { refusesWith } from './refusal.js'

t.test('an empty path, and a path that no system call accepts, are refused', (t) => {
  refusesWith(t, [
    ['ssl:443:privateKey=', 'INVALID_ARGUMENT',
      'ssl: privateKey must not be empty: give a path', 'ssl:443:privateKey='],
    ['ssl:443:k:', 'INVALID_ARGUMENT',
      'ssl: certKey must not be empty: give a path', 'ssl:443:k:'],
    ['ssl:443:privateKey=a\0b', 'INVALID_ARGUMENT',
      'ssl: privateKey must not contain "<U+0000>": no path can', 'ssl:443:privateKey=a'],
    ['ssl:443:privateKey=a\uD83Db', 'INVALID_ARGUMENT',
      'ssl: privateKey must not contain "<U+D83D>": no path can', 'ssl:443:privateKey=a'],
    ['ssl:443:privateKey=a,,b', 'INVALID_ARGUMENT',
      'ssl: privateKey must not be empty: give a path', 'ssl:443:privateKey=a,'],
    ['ssl:443:privateKey=a,b:certKey=c', 'CONFLICTING_ARGUMENTS',
      'ssl: certKey names 1 files and privateKey 2: name one certificate for each key, separated by commas; write a comma within a path as "\\\\,"', 'ssl:443:privateKey=a,b:'],
    ['ssl:443:extraCertChain=', 'INVALID_ARGUMENT',
      'ssl: extraCertChain must not be empty: give a path', 'ssl:443:extraCertChain='],
    ['ssl:443:dhParameters=', 'INVALID_ARGUMENT',
      'ssl: dhParameters must not be empty: give a path', 'ssl:443:dhParameters='],
    ['ssl:443:privateKeyPassphraseFile=', 'INVALID_ARGUMENT',
      'ssl: privateKeyPassphraseFile must not be empty: give a path', 'ssl:443:privateKeyPassphraseFile='],
    ['tls:443:privateKey=k:authorities=', 'INVALID_ARGUMENT',
      'tls: authorities must not be empty: give a path', 'tls:443:privateKey=k:authorities='],
    ['tls:443:privateKey=k:authorities=a:revokedFile=', 'INVALID_ARGUMENT',
      'tls: revokedFile must not be empty: give a path', 'tls:443:privateKey=k:authorities=a:revokedFile='],
    ['tls:443:privateKey=k:sni=', 'INVALID_ARGUMENT',
      'tls: sni must not be empty: give a path', 'tls:443:privateKey=k:sni='],
    ['tls:privateKey=k:transport=', 'INVALID_ARGUMENT',
      'tls: transport must not be empty: write a quoted description, for example systemd\\:INET\\:0', 'tls:privateKey=k:transport=']
  ])
})
