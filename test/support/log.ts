/** What an app logs, line by line. */
import { EventEmitter, once } from 'node:events'

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [detail: string]: unknown
}

export const INFO = 30

export class LogCapture extends EventEmitter {
  readonly lines: LogLine[] = []
  /** For Fastify's option `logger`. */
  readonly logger = { level: 'trace', stream: { write: (text: string) => this.#keep(text) } }

  #keep (text: string): void {
    this.lines.push(JSON.parse(text) as LogLine)
    this.emit('line')
  }

  /** The lines whose message holds `text`. */
  about (text: string): LogLine[] {
    return this.lines.filter(({ msg }) => msg.includes(text))
  }

  /** Waits for a line whose message holds `text`. */
  async line (text: string): Promise<LogLine> {
    for (;;) {
      const [found] = this.about(text)
      if (found !== undefined) return found
      await once(this, 'line')
    }
  }
}
