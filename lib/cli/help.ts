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

const HELP = `Examples
  fastify-endpoint check 'tls:8443:privateKey=server.key:certKey=server.pem'

Commands
  check [STRING ...]    what an app would do with the string, and all that is wrong with it

  help COMMAND          more about one of them
  --version             the version of the package

Options of all commands
  --color, --no-color   colours, or none; without them as the terminal, NO_COLOR and FORCE_COLOR have it
  --help`

const TOPICS: ReadonlyMap<string | undefined, string> = new Map([[undefined, HELP], ['check', CHECK]])

/** The help for a command, or for all of it; undefined where there is none. */
export function helpFor (command?: string): string | undefined {
  return TOPICS.get(command)
}
