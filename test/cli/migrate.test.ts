import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import { builtCommand, run } from '../support/command.ts'
import { describeCommandsOnServer } from '../support/command-databases.ts'

beforeAll(() => {
  builtCommand()
})

describeCommandsOnServer('opa-db migrate after an upgrade of the server', (database) => {
  it('says that memories must be indexed anew, until they are', async () => {
    await database.with((db) =>
      db.execute(sql`UPDATE public_opa.search_dictionary SET server_version = server_version - 1`),
    )
    const told = await run(['migrate', '--json'], database.in())
    expect(told).toMatchObject({ code: 0, stderr: expect.stringContaining('opa-db reindex') })
    expect(JSON.parse(told.stdout)).toEqual({ applied: [], needsReindex: true })
    expect((await run(['reindex'], database.in())).code).toBe(0)
    const silent = await run(['migrate', '--json'], database.in())
    expect(silent).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(silent.stdout)).toEqual({ applied: [], needsReindex: false })
  })
})
