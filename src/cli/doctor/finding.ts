import type { Database } from '../../database/database.ts'

export type State = 'ok' | 'warning' | 'wrong'

/** What a check found, in words, and what to do about it. */
export interface Finding {
  readonly check: string
  readonly state: State
  readonly message: string
  /** Present unless the state is ok. */
  readonly advice?: string
}

export interface Examined {
  readonly db: Database
  /** The schema in which the tables and functions of the API are. */
  readonly schema: string
  /** The schema in which what is internal is. */
  readonly internal: string
  readonly isEmbedded: boolean
  /** Whether the checks that read every memory are left out. */
  readonly isQuick: boolean
  /** From so many seconds on a transaction is long, and a job that nobody claims is left alone. */
  readonly longSeconds: number
  /** Whether this machine has an embedder configured. */
  readonly hasEmbedder: boolean
}

export interface Check {
  /** What is looked at, in two or three words. */
  readonly name: string
  /** Findings in which `check` is the name are made by `ok`, `warning` and `wrong`. */
  readonly examine: (examined: Examined) => Promise<readonly Omit<Finding, 'check'>[]>
}

type Found = Omit<Finding, 'check'>

export const ok = (message: string): Found[] => [{ state: 'ok', message }]
export const warning = (message: string, advice: string): Found[] => [{ state: 'warning', message, advice }]
export const wrong = (message: string, advice: string): Found[] => [{ state: 'wrong', message, advice }]
