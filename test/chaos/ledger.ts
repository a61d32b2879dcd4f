/** What a row is to be: its text and what it was superseded by; null: not there. */
export type Value = string | null

/** One call that wrote: all of its changes together, or none. */
export interface Write {
  readonly changes: ReadonlyMap<string, Value>
  readonly began: number
  /** When it was acknowledged; null: it never was, and may have happened or not. */
  ended: number | null
  /** When it failed, for whatever reason. */
  failed: number | null
}

/** A time in which commits were acknowledged that may be lost, because the standby never heard of them. */
interface LostTime {
  readonly from: number
  to: number
}

/**
 * What the database has acknowledged, and what of that a failover to a standby that was cut off may have lost. Each id has
 * one writer, and after a write whose fate is open the id is left alone, so that its row has one of few values.
 */
export class Ledger {
  readonly #writes = new Map<string, Write[]>()
  readonly #lost: LostTime[] = []
  #confirmed: string[] = []

  /** From now on commits may be lost, until {@link endLoss}. */
  beginLoss(): void {
    this.#lost.push({ from: Date.now(), to: Number.POSITIVE_INFINITY })
  }

  /** The next primary takes commits from now on, and the last one is dead. */
  endLoss(): void {
    const last = this.#lost.at(-1)
    if (last !== undefined) last.to = Date.now()
  }

  /** Whether what went on then, even if it was acknowledged, may be lost. */
  isAtRisk(began: number, ended: number): boolean {
    return this.#lost.some(({ from, to }) => began <= to && ended >= from)
  }

  /** Notes what is about to be written, writes it, and notes what became of it. */
  async write<T>(changes: Record<string, Value>, act: () => Promise<T>): Promise<T> {
    const write: Write = {
      changes: new Map(Object.entries(changes)),
      began: Date.now(),
      ended: null,
      failed: null,
    }
    for (const id of write.changes.keys()) this.#add(id, write)
    try {
      const result = await act()
      write.ended = Date.now()
      return result
    } catch (error) {
      write.failed = Date.now()
      throw error
    }
  }

  /** Ids whose rows may have several values, and that nobody writes any more since a time. */
  openSince(time: number): string[] {
    return [...this.#writes].flatMap(([id, writes]) => {
      const last = writes.at(-1)
      const done = last?.ended ?? last?.failed ?? Number.POSITIVE_INFINITY
      return last !== undefined && !this.#isSure(last) && done < time ? [id] : []
    })
  }

  /** What the row of an open id turned out to be: its writer may go on with it. */
  confirm(id: string, value: Value): void {
    const now = Date.now()
    this.#writes.set(id, [{ changes: new Map([[id, value]]), began: now, ended: now, failed: null }])
    this.#confirmed.push(id)
  }

  /** The ids of a writer that were confirmed since it last asked. */
  takeConfirmed(writer: string): string[] {
    const own = this.#confirmed.filter((id) => id.startsWith(`${writer}-`))
    this.#confirmed = this.#confirmed.filter((id) => !own.includes(id))
    return own
  }

  /** Whether what an id's row is, is known for certain. */
  isCertain(id: string): boolean {
    const last = this.#writes.get(id)?.at(-1)
    return last === undefined || this.#isSure(last)
  }

  get ids(): string[] {
    return [...this.#writes.keys()]
  }

  /** All values that the row may have. */
  candidates(id: string): Value[] {
    const values: Value[] = []
    for (const write of [...(this.#writes.get(id) ?? [])].reverse()) {
      values.push(write.changes.get(id) as Value)
      if (this.#isSure(write)) return values
    }
    return [...values, null]
  }

  /** Writes of several rows of which it is open whether they happened, and that were their last. */
  openWrites(): Write[] {
    const all = new Set([...this.#writes.values()].flatMap((writes) => writes.slice(-1)))
    return [...all].filter(
      (write) =>
        write.changes.size > 1 &&
        !this.#isSure(write) &&
        [...write.changes.keys()].every((id) => this.#writes.get(id)?.at(-1) === write),
    )
  }

  #isSure({ began, ended }: Write): boolean {
    return ended !== null && !this.isAtRisk(began, ended)
  }

  #add(id: string, write: Write): void {
    const before = this.#writes.get(id) ?? []
    const last = before.at(-1)
    // What came before a sure one is of no interest. One that a loss may begin during is not sure yet: `last` has ended.
    this.#writes.set(id, last !== undefined && this.#isSure(last) ? [last, write] : [...before, write])
  }
}
