import t from 'tap'
import { refusesWith, takes } from './refusal.js'

t.test('an error in the quoted description names it and points into the whole string', (t) => {
  refusesWith(t, [
    ['tls:privateKey=k:transport=tcp\\:80', 'INVALID_ARGUMENT',
      'tls: transport "tcp:80": the type must be one of systemd, fd, unix, tcp6, not tcp; for tcp, use port and interface of tls itself', 'tls:privateKey=k:transport='],
    ['tls:privateKey=k:transport=tls\\:80', 'INVALID_ARGUMENT',
      'tls: transport "tls:80": the type must be one of systemd, fd, unix, tcp6, not tls', 'tls:privateKey=k:transport='],
    ['tls:privateKey=k:transport=haproxy\\:fd\\:3', 'INVALID_ARGUMENT',
      'tls: transport "haproxy:fd:3": the type must be one of systemd, fd, unix, tcp6, not haproxy', 'tls:privateKey=k:transport='],
    ['tls:privateKey=k:transport=FD\\:x', 'INVALID_ARGUMENT',
      'tls: transport "FD:x": fd: fileno must be a decimal number from 0 to 2147483647, not "x"', 'tls:privateKey=k:transport=FD\\:'],
    ['tls:privateKey=k:transport=unix\\:/run/a\\:mode\\=8', 'INVALID_ARGUMENT',
      'tls: transport "unix:/run/a:mode=8": unix: mode must be an octal number from 0 to 7777, not "8"', 'tls:privateKey=k:transport=unix\\:/run/a\\:mode\\='],
    ['tls:privateKey=k:transport=f\\d\\:3\\\\', 'SYNTAX',
      'tls: transport "fd:3\\": A "\\" at the end has nothing to escape: write "\\\\" for a backslash', 'tls:privateKey=k:transport=f\\d\\:3'],
    ['tls:transport=systemd\\:INET:privateKey=k', 'MISSING_ARGUMENT',
      `tls: transport "systemd:INET": systemd: the argument index is missing, and so is name: one of them must select the descriptor; ${takes('systemd')}, for example systemd:INET:name=https`, 'tls:transport='],
    ['tls:privateKey=k:transport=unix\\:a\\\\\\\\\\:b\\:mode\\=8', 'REPEATED_ARGUMENT',
      `tls: transport "unix:a\\\\:b:mode=8": unix: the argument mode is given twice, once by its position and once by its name; ${takes('unix')}`, 'tls:privateKey=k:transport=unix\\:a\\\\\\\\\\:b\\:'],
    ['tls:privateKey=k:transport=fd:3', 'CONFLICTING_ARGUMENTS',
      'tls: port has no effect beside transport, which says where to listen; write a ":" within transport as "\\:"', 'tls:privateKey=k:transport=fd:']
  ])
})
