/**
 * Revocations from a PostgreSQL table, with a notification at each change:
 *
 *     CREATE TABLE revoked (key text PRIMARY KEY);   -- tbs:sha256//…, serial:…, spki:sha256//…
 *     CREATE FUNCTION tell_of_revoked () RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY revoked; RETURN NULL; END $$;
 *     CREATE TRIGGER tell_of_revoked AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON revoked EXECUTE FUNCTION tell_of_revoked();
 *
 * Pass `sources: { postgresql: (line) => new PostgresRevocations(line) }` to the plugin, and add a line such as
 * `postgresql://gate@db.example.org/devices` to the list.
 */
import type { RevocationContent, RevocationSource } from 'fastify-endpoint'
import pg from 'pg'

export class PostgresRevocations implements RevocationSource {
  readonly name: string
  readonly #connectionString: string
  #client: pg.Client | undefined
  #onChange = (): void => {}

  constructor (line: string) {
    const { host, pathname } = new URL(line)
    this.name = `postgresql://${host}${pathname}`
    this.#connectionString = line
  }

  async load (signal: AbortSignal): Promise<RevocationContent> {
    const client = this.#client ??= await this.#connect(signal)
    const { rows } = await client.query<{ key: string }>('SELECT key FROM revoked')
    return { keys: rows.map(({ key }) => key) }
  }

  watch (onChange: () => void): void {
    this.#onChange = onChange
  }

  async close (): Promise<void> {
    this.#onChange = () => {}
    await this.#client?.end()
  }

  async #connect (signal: AbortSignal): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#connectionString, connectionTimeoutMillis: 5000, query_timeout: 30_000, keepAlive: true })
    // A caller that waits gets the error of its query. A lost connection is opened again by the next load.
    client.on('error', () => {}).on('end', () => {
      this.#client = undefined
      this.#onChange()
    }).on('notification', () => { this.#onChange() })
    const giveUp = (): void => { client.end().catch(() => {}) }
    signal.addEventListener('abort', giveUp, { once: true })
    await client.connect()
    // Before the table is read, so that no change in between is missed.
    await client.query('LISTEN revoked')
    signal.removeEventListener('abort', giveUp)
    return client
  }
}
