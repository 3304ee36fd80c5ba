/**
 * Programs that tests run: openssl, curl, …
 *
 * If one is missing, its tests are skipped, and test/skipped.mjs counts them at the end and names the Debian package. With CI in
 * the environment they fail.
 */
import { execFile, spawnSync } from 'node:child_process'
import type { Test } from 'tap'

/** Debian's own Python, which sees Debian's packages. */
export const PYTHON = '/usr/bin/python3'

/** Not in everybody's PATH. */
export const HAPROXY = '/usr/sbin/haproxy'
export const NGINX = '/usr/sbin/nginx'
/** Debian's nginx loads its modules. */
export const NGINX_STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so'

/** How to see that a program is there, and the Debian package that brings it. */
const PROGRAMS = {
  openssl: { probe: ['openssl', 'version'], debian: 'openssl' },
  curl: { probe: ['curl', '--version'], debian: 'curl' },
  pyopenssl: { probe: [PYTHON, '-c', 'import OpenSSL'], debian: 'python3-openssl' },
  python: { probe: [PYTHON, '--version'], debian: 'python3' },
  systemd: { probe: ['systemd-socket-activate', '--version'], debian: 'systemd' },
  nghttp2: { probe: ['h2load', '--version'], debian: 'nghttp2-client' },
  script: { probe: ['script', '--version'], debian: 'bsdutils' },
  socat: { probe: ['socat', '-V'], debian: 'socat' },
  haproxy: { probe: [HAPROXY, '-v'], debian: 'haproxy' },
  java: { probe: ['java', '--version'], debian: 'openjdk-17-jdk-headless' },
  chromium: { probe: ['chromium', '--version'], debian: 'chromium' },
  certutil: { probe: ['sh', '-c', 'command -v certutil'], debian: 'libnss3-tools' },
  promtool: { probe: ['promtool', '--version'], debian: 'prometheus' },
  nginx: { probe: [NGINX, '-v'], debian: 'nginx-light' },
  // Root runs its programs as another user.
  postgresql: { probe: ['sh', '-c', 'ls /usr/lib/postgresql/*/bin/initdb && command -v setpriv'], debian: 'postgresql' },
  prlimit: { probe: ['prlimit', '--version'], debian: 'util-linux' },
  sed: { probe: ['sed', '--version'], debian: 'sed' },
  tar: { probe: ['tar', '--version'], debian: 'tar' },
  redis: { probe: ['redis-server', '--version'], debian: 'redis-server' },
  pebble: { probe: ['pebble-challtestsrv', '-h'], debian: 'pebble' },
  'the stream module of nginx': { probe: ['ls', NGINX_STREAM], debian: 'libnginx-mod-stream' }
} as const

export type Program = keyof typeof PROGRAMS

/** Whether a program can be run; where it cannot, the test is failed or skipped with the reason. */
export function hasProgram (t: Test, program: Program): boolean {
  const { probe: [command, ...args], debian } = PROGRAMS[program]
  if (spawnSync(command, args).status === 0) return true
  // test/skipped.mjs reads this.
  const message = `${program} is missing: install the Debian package ${debian}`
  if (process.env['CI'] !== undefined) t.fail(message)
  else t.pass(message, { skip: message })
  return false
}

/**
 * Starts a Node.js without the loader that tap adds to count coverage: for programs of dist/, whose coverage is not counted. The
 * loader takes most of their time to start.
 */
export function withoutTap (command: readonly string[]): string[] {
  return ['env', '-u', 'NODE_OPTIONS', ...command]
}

export interface Run {
  /** Exit status; -1 for a signal or a time-out. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, within 30 seconds. */
export function run (program: string, args: readonly string[], { input = '', env, cwd }: { input?: string, env?: NodeJS.ProcessEnv, cwd?: string } = {}): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: 30_000, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, ...(env === undefined ? {} : { env }), ...(cwd === undefined ? {} : { cwd }) }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr })
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}
