import { readLedger, refuseForeignLedger } from '../../database/ledger.ts'
import { readMigrations } from '../../database/migrations.ts'
import { OpaError } from '../../errors.ts'
import { type Check, ok, wrong } from './finding.ts'

export const migrationsCheck: Check = {
  name: 'migrations',
  async examine({ db, schema }) {
    const migrations = readMigrations()
    const ledger = await readLedger(db, schema)
    if (ledger.length === 0) {
      return wrong(
        `schema ${schema} has no tables of opa-db yet`,
        'opa-db migrate; --schema names another schema',
      )
    }
    try {
      refuseForeignLedger(ledger, migrations)
    } catch (error) {
      if (!(error instanceof OpaError)) throw error
      return wrong(error.message, 'use the version of opa-db that migrated it, or a newer one')
    }
    const pending = migrations.slice(ledger.length).map(({ tag }) => tag)
    if (pending.length === 0) return ok(`all ${ledger.length} applied, in schema ${schema}`)
    return wrong(`not applied yet: ${pending.join(', ')}`, 'opa-db migrate')
  },
}
