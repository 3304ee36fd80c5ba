/** The help texts. Examples come first: most people need no more. */

const CHECK = `Examples
  fastify-endpoint check 'tcp:3000:interface=127.0.0.1'
  ENDPOINT='tls:8443:privateKey=server.key:certKey=server.pem' fastify-endpoint check
  fastify-endpoint check --dotenv .env --json | jq '.endpoints[].warnings'

Usage
  fastify-endpoint check [STRING ...]
      Reads the endpoint strings, or those in the environment variable ENDPOINT, and every file that they
      name, as an app does when it starts. Shows where the app would listen, what clients can negotiate,
      each certificate, the trusted authorities, what is revoked and by which line, the rules of the allowed
      list, and all problems and warnings. Opens no port.

Options
  --env NAME      read this environment variable instead of ENDPOINT
  --dotenv FILE   a .env file, read if the environment does not have the variable
  --json          print JSON, of the type CheckReport that the package exports
  --strict        treat warnings as problems
  --online        also ask the directory that acme orders from; without it, check sends no request

Exit status: 0 an app would start, 1 it would not, 2 the command line is wrong.`

const STATUS = `Examples
  fastify-endpoint status mallory.pem
  fastify-endpoint status mallory.pem --list revoked.txt --authorities clients-ca.pem
  fastify-endpoint status mallory.pem --json | jq -r .lines.tbs

Usage
  fastify-endpoint status CERT.pem [STRING]
      Says whether a client certificate is good, revoked or unknown under the lists and policies of the
      endpoint string, or of those in the environment variable ENDPOINT, and why: the line, the file, the
      entry of the CRL. With allowedFile, also says which rules allow it, with which roles, or why none of
      its names matches. The file is PEM or DER, with the client's own certificate first. Certificates that
      are missing from its path come from the authorities. Also prints the lines that would revoke it, or
      allow it.

Options
  --list FILE          use this list instead of an endpoint string
  --authorities FILE   the authorities for --list; without them, CRLs are ignored
  --anchors any        treat each of these authorities as a trust anchor, as anchors=any does
  --env NAME           read this environment variable instead of ENDPOINT
  --dotenv FILE        a .env file, read if the environment does not have the variable
  --json               print JSON, of the type StatusReport that the package exports

Exit status: 0 the client would be admitted, as far as the lists, path and dates tell; 1 it would be
rejected: revoked, unknown where that is denied, not allowed, without a path to the authorities, or not
valid now; 2 an error, or part of a list is unreadable and nothing else rejects the client.`

const REVOKE = `Examples
  fastify-endpoint revoke mallory.pem --list revoked.txt
  fastify-endpoint revoke lost/*.pem --list revoked.txt --dry-run
  fastify-endpoint revoke mallory.pem --to 'rediss://redis.example.org/0?key=revoked'

Usage
  fastify-endpoint revoke CERT.pem ... --list FILE [--undo]
      Adds a line to the list for the first certificate of each file, with its subject in a comment above,
      unless the list already contains a key of it; with --undo, removes that line. Replaces the list in
      one step, keeps its mode and owner, and does not lose what others write to it meanwhile. Servers that
      watch it need no signal.
  fastify-endpoint revoke CERT.pem ... --to ADDRESS [--undo]
  fastify-endpoint revoke --entries FILE --to ADDRESS [--undo]
  fastify-endpoint revoke --accept --to ADDRESS
      Adds entries to a set in Redis, or removes them, and notifies the nodes whose list has the address as
      a line. The address is written as in a list; paths in it are relative to the working directory.

Options
  --list FILE      the list that endpoint strings name as revokedFile
  --to ADDRESS     redis://host:port/database?key=NAME, or rediss:// for TLS; for several servers
                   redis-sentinel:// or redis-cluster://, as in docs/fleets.md
  --entries FILE   entries to add, one a line: tbs:…, serial:… or spki:…; - is standard input
  --undo           remove lines or entries instead of adding them, so that they no longer revoke. Servers
                   with a list admit the client two seconds later. Lines of another kind stay
  --accept         declare that the set is complete: a new set, or one that has lost entries. Nodes then
                   drop the lost entries that they have kept
  --serial         revoke by issuer and serial number, instead of by what the issuer signed
  --spki           revoke every certificate with the same public key
  --dry-run        say what would be done, and write nothing

Exit status: 0 it is done, now or already; 1 it could not be done, and the list is unchanged (in Redis the
first of many entries may have been added: run it again), or the set has no marker, or with --undo another
line still revokes the certificate; 2 the command line is wrong.`

const ALLOW = `Examples
  fastify-endpoint allow orders.pem --list allowed.txt --role reader
  fastify-endpoint allow orders.pem --list allowed.txt --dry-run
  fastify-endpoint allow orders.pem --list allowed.txt --undo

Usage
  fastify-endpoint allow CERT.pem ... --list FILE [--undo]
      Adds a rule to an allowed list for the first certificate of each file, with its subject in a comment
      above, unless a rule of its name gives it all of the roles already. The rule has its best name: uri,
      dns, email, ip or cn in this order, and without a name its tbs. With --undo, removes every rule of
      the name. Replaces the list in one step, keeps its mode and owner, and does not lose what others
      write to it meanwhile. Servers that watch it need no signal.

Options
  --list FILE      the list that endpoint strings name as allowedFile
  --role NAME      a role that the rule gives; repeat it, or put commas between several
  --by KIND        the kind of the rule: uri, dns, email, ip, cn, tbs (this certificate) or spki (its key)
  --undo           remove rules instead of adding one, whatever their roles and issuers. The last rule of a
                   list stays, since a list without rules is invalid
  --dry-run        say what would be done, and write nothing

Exit status: 0 it is done, now or already; 1 it could not be done, and the list is unchanged, or with --undo
another rule still allows the client; 2 the command line is wrong.`

const HELP = `Examples
  fastify-endpoint check 'tls:8443:privateKey=server.key:certKey=server.pem'
  fastify-endpoint status mallory.pem
  fastify-endpoint revoke mallory.pem --list revoked.txt

Commands
  check [STRING ...]             show what an app would do with the endpoint string, and all mistakes
  status CERT.pem [STRING]       say whether a client is revoked or allowed, and by what
  revoke CERT.pem --list FILE    add it to a list, which servers apply at once
  revoke CERT.pem --to ADDRESS   add it to a set in Redis, for a fleet
  allow CERT.pem --list FILE     add it to an allowed list, with roles

  help COMMAND                   show more about a command
  --version                      print the version of the package

Options of all commands
  --color, --no-color   force colors on or off; by default the terminal, NO_COLOR and FORCE_COLOR decide
  --help`

const TOPICS: ReadonlyMap<string | undefined, string> = new Map([
  [undefined, HELP], ['check', CHECK], ['status', STATUS], ['revoke', REVOKE], ['allow', ALLOW]
])

/** The help for a command, or for the program; undefined if there is none. */
export function helpFor (command?: string): string | undefined {
  return TOPICS.get(command)
}
