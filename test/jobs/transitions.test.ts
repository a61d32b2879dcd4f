import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { type JobStatus, schema } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { read, uniqueName } from './fixtures.ts'

const statuses = schema.jobStatus.enumValues
const allowed: Record<JobStatus, readonly JobStatus[]> = {
  pending: ['running', 'waiting', 'cancelled', 'failed'],
  running: ['completed', 'failed', 'pending', 'waiting', 'cancelled'],
  waiting: ['pending', 'failed', 'cancelled'],
  completed: [],
  failed: ['pending', 'waiting'],
  cancelled: ['pending'],
}

/** The columns that a status needs, so that only the transition can be what is refused. */
const columnsOf = (status: JobStatus): Record<string, string> => ({
  status: `'${status}'`,
  lease_token: '1',
  worker_id: `'w'`,
  heartbeat_at: 'now()',
  started_at: 'now()',
  lease_expires_at: status === 'running' ? 'now()' : 'NULL',
  wait_reason: status === 'waiting' ? `'input'` : 'NULL',
  error: status === 'failed' ? `'{}'` : 'NULL',
  completed_at: ['completed', 'failed', 'cancelled'].includes(status) ? 'now()' : 'NULL',
})

const assignments = (columns: Record<string, string>) =>
  sql.raw(
    Object.entries(columns)
      .map((pair) => pair.join(' = '))
      .join(', '),
  )

describeOnEachBackend('the transitions of a job', (test) => {
  async function jobIn(status: JobStatus): Promise<string> {
    const id = uniqueName()
    await test.db.insert(schema.jobs).values({ id, intent: 'a' })
    const path: JobStatus[] =
      status === 'pending' ? [] : status === 'completed' ? ['running', status] : [status]
    for (const step of path)
      await test.db.execute(sql`UPDATE jobs SET ${assignments(columnsOf(step))} WHERE id = ${id}`)
    return id
  }

  const pairs = statuses.flatMap((from) => statuses.map((to) => [from, to] as const))
  it.each(pairs)('%s to %s', async (from, to) => {
    const id = await jobIn(from)
    const change = queryRows(test.db, sql`UPDATE jobs SET ${assignments(columnsOf(to))} WHERE id = ${id}`)
    if (from === to || allowed[from].includes(to)) {
      await change
      expect((await read(test.db, id)).status).toBe(to)
    } else {
      await expect(change).rejects.toThrow(`job ${id}: status cannot change from ${from} to ${to}`)
      await expect(change).rejects.toMatchObject({ code: 'conflict' })
      expect((await read(test.db, id)).status).toBe(from)
    }
  })

  it('passes at once only what it would pass after every look', async () => {
    // The changes of claim() and complete(), each with one or two columns that may be wrong. With updated_at set, as they
    // set it, the trigger looks at them briefly first.
    const wrong: [string, string][] = [
      ...['0', '2'].map((token): [string, string] => ['lease_token', token]),
      ...['worker_id', 'heartbeat_at', 'started_at'].map((column): [string, string] => [column, 'NULL']),
      ...['NULL', 'now()'].flatMap((time): [string, string][] => [
        ['lease_expires_at', time],
        ['completed_at', time],
      ]),
      ['wait_reason', `'input'`],
      ...['1.5', '-1', `'NaN'`].map((progress): [string, string] => ['progress', progress]),
      ['attempt', '-1'],
      ['id', `'another'`],
      ...statuses.map((status): [string, string] => ['status', `'${status}'`]),
    ]
    const pairs = wrong.flatMap((one, at) => wrong.slice(at).map((other) => Object.fromEntries([one, other])))
    const verdict = async (id: string, columns: Record<string, string>) => {
      const undo = new Error('undo')
      const change = test.db.transaction(async (transaction) => {
        await queryRows(transaction, sql`UPDATE jobs SET ${assignments(columns)} WHERE id = ${id}`)
        throw undo
      })
      return change.catch((error: Error) => (error === undo ? 'passed' : error.message))
    }
    let passed = 0
    const changes = statuses.flatMap((from) =>
      (['running', 'completed'] as const).map((to) => [from, to] as const),
    )
    for (const [from, to] of changes) {
      const id = await jobIn(from)
      const isUsual = from === (to === 'running' ? 'pending' : 'running')
      for (const faults of isUsual ? pairs : wrong.map((one) => Object.fromEntries([one]))) {
        // Not wait_reason, unless it is what is wrong: it has the row looked at by another trigger too.
        const { wait_reason: _, ...needed } = columnsOf(to)
        const columns = { ...needed, ...faults }
        const briefly = await verdict(id, { ...columns, updated_at: 'now()' })
        expect(briefly, JSON.stringify({ from, ...columns })).toBe(await verdict(id, columns))
        if (briefly === 'passed') passed += 1
      }
    }
    expect(passed).toBeGreaterThan(10)
    expect(passed).toBeLessThan(pairs.length)
  })

  it('never takes a lease token back, nor changes an id', async () => {
    const id = await jobIn('running')
    await expect(queryRows(test.db, sql`UPDATE jobs SET lease_token = 0 WHERE id = ${id}`)).rejects.toThrow(
      `job ${id}: lease_token only grows, it is`,
    )
    await expect(queryRows(test.db, sql`UPDATE jobs SET id = 'x' WHERE id = ${id}`)).rejects.toThrow(
      'the id of a job never changes',
    )
  })

  it.each([
    [`status = 'running'`, 'use claim()'],
    [`lease_expires_at = now()`, 'leaseExpiresAt must be there while the job is running'],
    [`completed_at = now()`, 'completedAt must be there when the job has ended'],
    [`status = 'waiting'`, 'waitReason must be there while the job is waiting'],
    [
      `status = 'waiting', wait_reason = 'boredom'`,
      'waitReason must be approval, input, children or external, got boredom',
    ],
    [`status = 'failed', completed_at = now()`, 'error must be there when the job has failed'],
    [`progress = 1.5`, 'progress must be from 0 to 1'],
    [`progress = 'NaN'`, 'progress must be from 0 to 1'],
    [`max_attempts = 0`, 'maxAttempts must be at least 1, got 0'],
    [`attempt = -1`, 'attempt must be 0 or more'],
    [`backoff_seconds = 'NaN'`, 'backoffSeconds must be from 0 to 86400 (a day), got NaN'],
    [`metadata = '[]'`, 'metadata must be a JSON object, got array'],
    [`inputs = '[]'`, 'inputs must be a JSON object, got array'],
    [`usage = '1'`, 'usage must be a JSON object, got number'],
    [`parent_id = id`, 'parentId must be another job'],
    [`trace_id = ''`, 'traceId must have from 1 to 255 bytes, got 0'],
    [`progress_message = repeat('x', 5000)`, 'progressMessage must have at most 4096 bytes, got 5000'],
  ])('refuses a row with %s', async (change, constraint) => {
    const id = await jobIn('pending')
    await expect(queryRows(test.db, sql.raw(`UPDATE jobs SET ${change} WHERE id = '${id}'`))).rejects.toThrow(
      constraint,
    )
  })

  it('changes updated_at when something changed, and only then', async () => {
    const id = await jobIn('pending')
    const { updatedAt } = await read(test.db, id)
    await test.db.execute(sql`UPDATE jobs SET status = status WHERE id = ${id}`)
    await test.db.execute(sql`UPDATE jobs SET updated_at = '2019-01-01' WHERE id = ${id}`)
    expect((await read(test.db, id)).updatedAt).toEqual(updatedAt)
    await test.db.execute(sql`UPDATE jobs SET metadata = '{"a": 1}' WHERE id = ${id}`)
    expect((await read(test.db, id)).updatedAt.getTime()).toBeGreaterThan(updatedAt.getTime())
  })
})
