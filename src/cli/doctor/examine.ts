import { OpaError } from '../../errors.ts'
import type { Check, Examined, Finding } from './finding.ts'
import { queuesCheck, stuckCheck } from './jobs.ts'
import { migrationsCheck } from './migrations.ts'
import { rightsCheck, triggersCheck } from './rights.ts'
import { extensionsCheck, serverCheck } from './server.ts'
import { backlogCheck, dictionaryCheck, recountCheck } from './statistics.ts'
import { transactionsCheck, vacuumCheck } from './upkeep.ts'
import { pendingCheck, vectorIndexCheck } from './vectors.ts'

/** Without these being well, the others would only say the same again. */
const foundations: readonly Check[] = [serverCheck, extensionsCheck, migrationsCheck]

const others: readonly Check[] = [
  rightsCheck,
  triggersCheck,
  recountCheck,
  backlogCheck,
  dictionaryCheck,
  vectorIndexCheck,
  pendingCheck,
  vacuumCheck,
  transactionsCheck,
  queuesCheck,
  stuckCheck,
]

/** Examines a database, one check after the other, so that it is not a burden to it. */
export async function* examine(examined: Examined): AsyncGenerator<Finding> {
  let isSound = true
  for (const check of foundations) {
    for (const finding of await run(check, examined)) {
      isSound &&= finding.state !== 'wrong'
      yield finding
    }
  }
  if (!isSound) return
  for (const check of others) yield* await run(check, examined)
}

async function run({ name, examine }: Check, examined: Examined): Promise<Finding[]> {
  try {
    return (await examine(examined)).map((finding) => ({ check: name, ...finding }))
  } catch (error) {
    if (!(error instanceof OpaError)) throw error
    const advice = /permission denied/.test(error.message)
      ? 'connect as the owner of the tables to see it'
      : 'repeat with --verbose, and tell the authors of opa-db'
    return [{ check: name, state: 'warning', message: `cannot be examined: ${error.message}`, advice }]
  }
}
