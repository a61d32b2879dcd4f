import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { OutputClosed } from './exit.ts'
import { type Terminal, terminalOf } from './terminal.ts'

/** A stream that may be a terminal, as process.stdout. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** Writes to standard output or standard error at the speed of whoever reads, until nobody does. */
export class Output {
  readonly terminal: Terminal
  readonly #stream: OutputStream
  readonly #onClosed: () => void
  #isClosed = false

  /** `onClosed` is called once, when the reader of a pipe has gone. */
  constructor(
    stream: OutputStream,
    environment: Readonly<Record<string, string | undefined>>,
    onClosed: () => void = () => {},
  ) {
    this.#stream = stream
    this.#onClosed = onClosed
    this.terminal = terminalOf(stream, environment)
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error
      if (this.#isClosed) return
      this.#isClosed = true
      this.#onClosed()
    })
  }

  /** @throws OutputClosed if nobody reads any more. */
  async write(text: string): Promise<void> {
    if (this.#isClosed) throw new OutputClosed()
    if (text === '' || this.#stream.write(text)) return
    // Whatever comes first: an error is recorded above.
    await Promise.race([once(this.#stream, 'drain'), once(this.#stream, 'close')]).catch(() => {})
    if (this.#isClosed) throw new OutputClosed()
  }

  async lines(...lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.write(`${lines.join('\n')}\n`)
  }

  /** One JSON document: indented on a terminal, one line elsewhere. */
  async json(value: unknown): Promise<void> {
    await this.lines(JSON.stringify(value, null, this.terminal.isInteractive ? 2 : 0))
  }
}
