/** What the command line says of itself. Examples come first: most people need no more. */

const CHECK = `Examples
  fastify-endpoint check 'tcp:3000:interface=127.0.0.1'
  ENDPOINT='tls:8443:privateKey=server.key:certKey=server.pem' fastify-endpoint check
  fastify-endpoint check --dotenv .env --json | jq '.endpoints[].warnings'

Usage
  fastify-endpoint check [STRING ...]
      Reads the strings, or those of the environment variable ENDPOINT (one a line), and every file that
      they name, as an app would at its start. Shows what comes of them: where the app listens, what
      clients can negotiate, each certificate, whom it trusts, what is revoked and by which line; all
      that is wrong; and what should be looked at. No port is opened.

Options
  --env NAME      the environment variable, where it is not ENDPOINT
  --dotenv FILE   a .env file, for a variable that the environment does not have
  --json          the same for programs; its shape is the type CheckReport of the package
  --strict        warnings count as problems

Exit status: 0 an app would start, 1 it would not, 2 the command line is wrong.`

const STATUS = `Examples
  fastify-endpoint status mallory.pem
  fastify-endpoint status mallory.pem --list revoked.txt --authorities clients-ca.pem
  fastify-endpoint status mallory.pem --json | jq -r .lines.tbs

Usage
  fastify-endpoint status CERT.pem [STRING]
      Says whether a client's certificate is good, revoked or unknown under the lists and policies of the
      string, or of those of the environment variable ENDPOINT, and why: the line, the file, the entry of
      the CRL. The file is PEM or DER, the client's own certificate first; what is missing of its path
      comes from the authorities. Prints the lines that revoke it, to be put into a list.

Options
  --list FILE          a list, in the place of a string
  --authorities FILE   the authorities for it; without them CRLs do not count
  --anchors any        each of them is a trust anchor, as anchors=any of a string says
  --env NAME           the environment variable, where it is not ENDPOINT
  --dotenv FILE        a .env file, for a variable that the environment does not have
  --json               the same for programs; its shape is the type StatusReport of the package

Exit status: 0 its client is let in, as far as revocation, path and dates tell; 1 it is refused: revoked,
unknown where that is denied, of no path to the authorities, or not valid now; 2 an error.`

const REVOKE = `Examples
  fastify-endpoint revoke mallory.pem --list revoked.txt
  fastify-endpoint revoke lost/*.pem --list revoked.txt --dry-run
  fastify-endpoint revoke mallory.pem --to 'rediss://redis.example.org/0?key=revoked'

Usage
  fastify-endpoint revoke CERT.pem ... --list FILE
      Adds a line to a list for the certificate of each file (the first of several), with its subject in a
      comment above, unless a line of a key names it already. The list is replaced in one step, with its
      mode and owner as they were; what others write to it at the same time is not lost. A server that
      watches it needs no signal.
  fastify-endpoint revoke CERT.pem ... --to ADDRESS [--undo]
  fastify-endpoint revoke --entries FILE --to ADDRESS [--undo]
  fastify-endpoint revoke --accept --to ADDRESS
      Adds to a set in Redis, or takes out of it, and tells the nodes that have the address as a line of
      their list. The address stands there as it does here; paths in it are relative to the working folder.

Options
  --list FILE      the list, as a string has it as revokedFile
  --to ADDRESS     redis://host:port/database?key=NAME, or rediss:// for TLS
  --entries FILE   entries to add, one a line: tbs:…, serial:… or spki:…; - is standard input
  --undo           takes out of the set, instead: nobody is revoked by these entries any more, at
                   once. A line that is taken out of a list stays revoked for two more seconds
  --accept         says that the set is complete as it stands: a new one, or one that has lost entries.
                   What nodes have kept of these is no longer revoked
  --serial         revokes by issuer and serial number, instead of by what the issuer has signed
  --spki           revokes every certificate of the same public key
  --dry-run        says what would be done, and writes nothing

Exit status: 0 it is revoked, now or already; 1 it could not be done, and the list is as it was (of many
entries for Redis the first may be there: do it again), or the set has no marker; 2 the command line is
wrong.`

const HELP = `Examples
  fastify-endpoint check 'tls:8443:privateKey=server.key:certKey=server.pem'
  fastify-endpoint status mallory.pem
  fastify-endpoint revoke mallory.pem --list revoked.txt

Commands
  check [STRING ...]             what an app would do with the string, and all that is wrong with it
  status CERT.pem [STRING]       whether a certificate is revoked, by what, and how to revoke it
  revoke CERT.pem --list FILE    puts it on a list, which servers put in force at once
  revoke CERT.pem --to ADDRESS   puts it into a set in Redis, for a fleet

  help COMMAND                   more about one of them
  --version                      the version of the package

Options of all commands
  --color, --no-color   colours, or none; without them as the terminal, NO_COLOR and FORCE_COLOR have it
  --help`

const TOPICS: ReadonlyMap<string | undefined, string> = new Map([[undefined, HELP], ['check', CHECK], ['status', STATUS], ['revoke', REVOKE]])

/** The help for a command, or for all of it; undefined where there is none. */
export function helpFor (command?: string): string | undefined {
  return TOPICS.get(command)
}
