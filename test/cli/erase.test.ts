import { beforeAll, expect, it } from 'vitest'
import { enqueue, proveErased, remember } from '../../src/index.ts'
import { builtCommand, run } from '../support/command.ts'
import { describeCommandsOnEachBackend } from '../support/command-databases.ts'

beforeAll(() => {
  builtCommand()
})

describeCommandsOnEachBackend('opa-db erase', (database) => {
  it('wants to know whose, and asks', async () => {
    await database.with(async (db) => {
      await remember(db, { text: 'Quiroga likes quinces', namespace: 'ana', id: 'q' })
      await remember(db, { text: 'Quiroga likes no quinces', namespace: 'ana', id: 'q' })
      await remember(db, { text: 'Ostrowski likes plums', namespace: 'bob' })
      await enqueue(db, { intent: 'write to Quiroga' })
    })
    expect(await run(['erase'], database.in())).toMatchObject({ code: 2, stdout: '' })
    const asked = await run(['erase', '--namespace', 'ana'], database.in())
    expect(asked).toMatchObject({ code: 2, stdout: '' })
    expect(asked.stderr).toContain('Erase 1 memory and 1 entry of history? This cannot be undone.')
    const dry = await run(['erase', '--namespace', 'ana', '--dry-run'], database.in())
    expect(dry).toMatchObject({ code: 0, stdout: 'would erase 1 memory and 1 entry of history\n' })
  })

  it('leaves no trace but in jobs, and says so', async () => {
    const erased = await run(['erase', '--namespace', 'ana', '--yes'], database.in())
    expect(erased).toMatchObject({ code: 0, stdout: 'erased 1 memory and 1 entry of history\n' })
    expect(erased.stderr).toContain('jobs were left as they are')
    const proof = await database.with((db) =>
      proveErased(db, { namespace: 'ana', words: ['Quiroga', 'quinces'] }),
    )
    expect(proof).toMatchObject({ memories: 0, found: [{ table: expect.stringContaining('jobs'), rows: 1 }] })
    const { stdout } = await run(['list', '--json'], database.in())
    expect(JSON.parse(stdout).items).toMatchObject([{ namespace: 'bob' }])
  })
})
