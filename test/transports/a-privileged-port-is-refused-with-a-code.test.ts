import { readFileSync } from 'node:fs'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'

const NOBODY = 65534

/** The first port that needs no privilege. Containers often allow all ports. */
function firstFreePort (): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
  } catch {
    return 0
  }
}

const skip = firstFreePort() > 1 ? false : 'everybody may open every port of this machine'

t.test('a port that this user must not open is a coded error that says what to do', { skip }, async (t) => {
  if (process.geteuid?.() === 0) {
    process.seteuid?.(NOBODY)
    t.teardown(() => { process.seteuid?.(0) })
  }
  await t.rejects(startApp(t, 'tcp:1:interface=127.0.0.1'), {
    code: 'FST_ENDPOINT_ADDRESS_FORBIDDEN',
    message: /no permission for 127\.0\.0\.1 port 1; ports below 1024 need a privilege \(CAP_NET_BIND_SERVICE\)/,
    cause: { code: 'EACCES' }
  })
})
