/** A schedule that makes up for every slot it missed, but for those of a pause; times are milliseconds. */
export class ModelSchedule {
  readonly #period: number
  #slotsAfter: number
  #isPaused = false

  constructor(period: number, now: number) {
    this.#period = period
    this.#slotsAfter = now
  }

  /** The slots that are due, each once. */
  takeDue(now: number): number[] {
    if (this.#isPaused) return []
    const slots: number[] = []
    const first = (Math.floor(this.#slotsAfter / this.#period) + 1) * this.#period
    for (let slot = first; slot <= now; slot += this.#period) slots.push(slot)
    this.#slotsAfter = slots.at(-1) ?? this.#slotsAfter
    return slots
  }

  pause(isPaused: boolean, now: number): void {
    if (this.#isPaused && !isPaused) this.#slotsAfter = Math.max(this.#slotsAfter, now)
    this.#isPaused = isPaused
  }
}
