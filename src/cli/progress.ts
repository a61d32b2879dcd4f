import type { Context, GlobalOptions } from './context.ts'
import { clock, count } from './format.ts'
import type { Output } from './output.ts'
import { shortened } from './terminal.ts'

const redrawEveryMs = 100
/** Where a line cannot be written over (a log), a long run says now and then how far it is. */
const lineEveryMs = 10_000
const barWidth = 24

/** How far a long run is: on standard error, redrawn on a terminal, a line every ten seconds elsewhere. */
export class Progress {
  readonly #err: Output
  readonly #isQuiet: boolean
  readonly #what: string
  readonly #started = performance.now()
  #shownAt: number
  #isDrawn = false

  /** `what` is counted, for example 'memories'. */
  constructor({ err }: Context, { quiet }: GlobalOptions, what: string) {
    this.#err = err
    this.#isQuiet = quiet === true
    this.#what = what
    // Short runs say nothing.
    this.#shownAt = err.terminal.isInteractive ? this.#started - redrawEveryMs : this.#started
  }

  /**
   * @param done how many are done since the start.
   * @param share how much of all that is, 0 to 1, where that is known.
   */
  update(done: number, share?: number): void {
    const now = performance.now()
    const { isInteractive } = this.#err.terminal
    if (this.#isQuiet || now - this.#shownAt < (isInteractive ? redrawEveryMs : lineEveryMs)) return
    this.#shownAt = now
    this.#isDrawn = true
    const line = progressLine({ done, share, seconds: (now - this.#started) / 1000, what: this.#what })
    const text = isInteractive ? `\r\u001b[K${shortened(line, this.#err.terminal.columns - 1)}` : `${line}\n`
    // Progress waits for nobody: it is said again soon.
    this.#err.write(text).catch(() => {})
  }

  /** Clears the line, so that what is printed next has it. */
  end(): void {
    if (this.#isDrawn && this.#err.terminal.isInteractive) this.#err.write('\r\u001b[K').catch(() => {})
    this.#isDrawn = false
  }
}

/** `██████░░░░  52 %  52,000 memories  5,200/s  0:09 left`. */
export function progressLine(state: {
  readonly done: number
  readonly share?: number | undefined
  readonly seconds: number
  readonly what: string
}): string {
  const { done, share, seconds, what } = state
  const rate = seconds > 0 ? done / seconds : 0
  const parts = [`${count(done)} ${what}`, `${rate < 10 ? rate.toFixed(1) : count(rate)}/s`]
  if (share === undefined) return parts.join('  ')
  const known = Math.min(1, Math.max(0, share))
  const filled = Math.round(known * barWidth)
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
  const left = known > 0 ? [`${clock((seconds / known) * (1 - known))} left`] : []
  return [`${bar} ${String(Math.floor(known * 100)).padStart(3)} %`, ...parts, ...left].join('  ')
}
