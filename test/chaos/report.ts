import { setTimeout as sleep } from 'node:timers/promises'

/** What was done, and what was wrong. */
export class Report {
  readonly #counts = new Map<string, number>()
  readonly #wrong: string[] = []
  #more = 0
  readonly #began = Date.now()
  /** What is being done to the servers. */
  doing = ''

  count(what: string, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by)
  }

  counted(what: string): number {
    return this.#counts.get(what) ?? 0
  }

  /** Something that must not be. The run goes on, and fails at its end. */
  wrong(message: string): void {
    if (this.#wrong.includes(message)) return
    if (this.#wrong.length >= 40) {
      this.#more += 1
      return
    }
    this.#wrong.push(message)
    console.log(`WRONG: ${message}`)
  }

  check(isRight: boolean, message: string): void {
    if (!isRight) this.wrong(message)
  }

  get findings(): readonly string[] {
    return this.#more === 0 ? this.#wrong : [...this.#wrong, `and ${this.#more} more`]
  }

  line(): string {
    const seconds = Math.round((Date.now() - this.#began) / 1000)
    const counts = [...this.#counts].sort(([one], [other]) => (one < other ? -1 : 1))
    return `${String(seconds).padStart(4)} s  ${counts.map(([what, count]) => `${count} ${what}`).join(', ')}${
      this.doing ? `; ${this.doing}` : ''
    }${this.#wrong.length > 0 ? `; ${this.#wrong.length + this.#more} WRONG` : ''}`
  }
}

/** The codes of every error from the top to the bottom. */
function codesOf(error: unknown): string[] {
  const codes: string[] = []
  for (let at = error; at instanceof Error; at = at.cause)
    codes.push(String((at as { code?: unknown }).code ?? ''))
  return codes
}

// No connection, or one that ended; a server that starts or stops; a full disk; a standby in place of the primary; and
// what may happen to any two sessions that write, or to a search in the way of the replay.
const outage =
  /^(CONNECT|ECONN|EPIPE|ETIMEDOUT|ERR_SOCKET|acquire_timeout$|08...$|57P0[1-3]$|57014$|53...$|58030$|25006$|40001$|40P01$)/

/** Whether an error says no more than that a server is away, or about to be. */
export function isOutage(error: unknown): boolean {
  return (
    error instanceof TimeoutError ||
    codesOf(error).some((code) => outage.test(code)) ||
    // A standby that has only begun to follow the primary does not know the database yet.
    (error instanceof Error && /could not (write|extend|fsync|open).*No space left/.test(error.message))
  )
}

/** Where an error comes from, without the frames of packages. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return (error.stack ?? error.message)
    .split('\n')
    .filter((line) => !/node_modules|node:internal/.test(line))
    .slice(0, 6)
    .join('\n')
}

export class TimeoutError extends Error {}

/** As the work ends, or an error after so long: a driver may forget a query whose connection was cut. */
export async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError(`no answer for ${seconds} seconds`)), seconds * 1000)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Does something again and again until it is told to stop. What fails for another reason than an outage is wrong. */
export async function repeat(
  name: string,
  { report, signal, pause }: { report: Report; signal: AbortSignal; pause: number },
  act: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await within(45, act())
      await sleep(pause * (0.5 + Math.random()))
    } catch (error) {
      if (isOutage(error)) report.count('outages met')
      else report.wrong(`${name}: ${stackOf(error)}`)
      if (error instanceof TimeoutError) report.count(`answers that never came to ${name}`)
      await sleep(100)
    }
  }
}
