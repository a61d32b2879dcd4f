import type { Command } from 'commander'
import type { Context, GlobalOptions } from './context.ts'
import { UsageError } from './exit.ts'

/** What a command does: its own options and those of every command, then its arguments. It returns its exit code, 0 by default. */
export type Work<Options, Arguments extends unknown[]> = (
  context: Context,
  options: Options & GlobalOptions,
  ...given: Arguments
) => Promise<number | undefined>

/** Makes a handler for Commander of what a command does. */
export type Handler = <Options, Arguments extends unknown[] = []>(
  work: Work<Options, Arguments>,
) => (...given: unknown[]) => Promise<void>

/** Adds commands to a program. */
export type Define = (program: Command, handler: Handler) => void

/** A repeatable option: `--tag a --tag b`. */
export function collected(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value]
}

/** An option's number. */
export function wholeNumber(name: string, from: number, to: number): (value: string) => number {
  return (value) => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < from || number > to) {
      throw new UsageError(`${name} must be a whole number from ${from} to ${to}, got "${value}"`)
    }
    return number
  }
}

/** An option's number, which may have a fraction. */
export function anyNumber(name: string, from: number, to: number): (value: string) => number {
  return (value) => {
    const number = value.trim() === '' ? Number.NaN : Number(value)
    if (!(number >= from && number <= to)) {
      throw new UsageError(`${name} must be a number from ${from} to ${to}, got "${value}"`)
    }
    return number
  }
}

/** An option's JSON object. */
export function jsonObject(name: string): (value: string) => Record<string, unknown> {
  return (value) => {
    let parsed: unknown
    try {
      parsed = JSON.parse(value)
    } catch (cause) {
      throw new UsageError(`${name} must be a JSON object such as '{"source": "mail"}', got ${value}`, {
        cause,
      })
    }
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      throw new UsageError(`${name} must be a JSON object such as '{"source": "mail"}', got ${value}`)
    }
    return parsed as Record<string, unknown>
  }
}

/** The options that are given, for exactOptionalPropertyTypes: what is undefined is left out. */
export function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
