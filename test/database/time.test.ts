import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { checkedTime } from '../../src/database/time.ts'
import {
  bm25Search,
  type Database,
  enqueue,
  enqueueMany,
  getJob,
  InvalidInputError,
  listJobs,
  pruneExpired,
  remember,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { expectRefusal, idsOf } from '../support/fixtures.ts'

describe('checkedTime', () => {
  it.each([
    ['2026-01-31', '2026-01-31T00:00Z'],
    ['2026-01-31 09:00', '2026-01-31T09:00Z'],
    ['2026-01-31T09:00:00.123456', '2026-01-31T09:00:00.123456Z'],
    ['2026-01-31T09:00:00Z', '2026-01-31T09:00:00Z'],
    ['2026-01-31T09:00:00+05:30', '2026-01-31T09:00:00+05:30'],
    ['2026-01-31 09:00:00 +02', '2026-01-31T09:00:00+02'],
  ])('%s is %s', (given, expected) => expect(checkedTime(given, 'at')).toBe(expected))

  it.each([
    '01/02/2026',
    'Mar 7',
    '7 Mar 2026',
    'now',
    'infinity',
    '',
    '2026',
    '20260131',
    '2026-01-31T09',
    'epoch',
  ])('%s is refused', (given) =>
    expect(() => checkedTime(given, 'at')).toThrow('at must be a Date or an ISO 8601 time'),
  )

  it('an invalid Date, and what is no time at all, is refused', () => {
    for (const given of [new Date(Number.NaN), 5, null, {}]) {
      expect(() => checkedTime(given as Date, 'at')).toThrow(InvalidInputError)
    }
  })
})

describeOnServer('times mean the same in every session', (server) => {
  const zones: [zone: string, dateStyle: string][] = [
    ['UTC', 'ISO, MDY'],
    ['Asia/Tokyo', 'ISO, DMY'],
    ['America/New_York', 'ISO, YMD'],
  ]

  it.each(zones)('%s, %s', async (zone, dateStyle) => {
    const { db } = await server.connectAgain(1)
    await db.execute(
      sql`SELECT set_config('TimeZone', ${zone}, false), set_config('DateStyle', ${dateStyle}, false)`,
    )
    const id = `at ${zone}`
    const nine = new Date('2030-01-31T09:00:00Z')
    const local = '2030-01-31 09:00:00'
    await enqueue(db, { intent: 'x', id, runAt: local, deadlineAt: `${local}.5` })
    await enqueueMany(db, {
      jobs: [{ intent: 'x', id: `${id} 2`, runAt: '2030-01-31T11:00+02', deadlineAt: local }],
    })
    await callDirectly(db, [{ intent: 'x', job_id: `${id} 3`, run_at: local, deadline_at: '2030-02-01' }])
    for (const of of [id, `${id} 2`, `${id} 3`]) expect((await getJob(db, { id: of }))?.runAt).toEqual(nine)
    expect((await getJob(db, { id: `${id} 3` }))?.deadlineAt).toEqual(new Date('2030-02-01T00:00:00Z'))

    await remember(db, { id, text: `word ${zone}`, createdAt: '2024-05-01 12:00' })
    const found = async (filter: { since?: string; until?: string }) =>
      idsOf(await bm25Search(db, { queryText: 'word', filter: { ...filter, ids: [id] } }))
    expect(await found({ since: '2024-05-01 12:00' })).toEqual([id])
    expect(await found({ since: '2024-05-01T12:00:01' })).toEqual([])
    expect(await found({ until: '2024-05-01T12:00:00.001' })).toEqual([id])
    expect(await found({ until: '2024-05-01T12:00' })).toEqual([])
    expect(await found({ since: '2024-05-01', until: '2024-05-02' })).toEqual([id])
    expect(await found({ since: '2024-05-01T14:00+02:00', until: '2024-05-01T14:00:01+02:00' })).toEqual([id])
  })

  it('a database whose own settings are others', async () => {
    const { db } = server
    const [{ name }] = (await queryRows(db, sql`SELECT current_database() AS name`)) as [{ name: string }]
    await db.execute(sql.raw(`ALTER DATABASE ${name} SET DateStyle = 'German, DMY'`))
    await db.execute(sql.raw(`ALTER DATABASE ${name} SET TimeZone = 'Asia/Kolkata'`))
    const { db: again } = await server.connectAgain(1)
    const createdAt = new Date('2024-03-07T01:02:03.004Z')
    await remember(again, { id: 'kolkata', text: 'Kolkata', createdAt })
    expect(await bm25Search(again, { queryText: 'Kolkata' })).toMatchObject([{ createdAt }])
    await callDirectly(again, [{ intent: 'x', job_id: 'kolkata', run_at: '2030-03-07 01:02' }])
    expect((await getJob(again, { id: 'kolkata' }))?.runAt).toEqual(new Date('2030-03-07T01:02:00Z'))
  })

  const ambiguous = ['01/02/2026', 'Mar 7', 'tomorrow', '2026-1-2']
  it.each(ambiguous)('%s is refused by all that take a time', async (time) => {
    const { db } = server
    const jobs = [{ intent: 'x' }, { intent: 'x', runAt: time }]
    await expectRefusal(enqueue(db, { intent: 'x', runAt: time }), InvalidInputError, 'runAt', time)
    await expectRefusal(enqueue(db, { intent: 'x', deadlineAt: time }), InvalidInputError, 'deadlineAt', time)
    await expectRefusal(enqueueMany(db, { jobs }), InvalidInputError, 'element 1: runAt', time)
    await expectRefusal(listJobs(db, { since: time }), InvalidInputError, 'since', time)
    await expectRefusal(pruneExpired(db, { before: time }), InvalidInputError, 'before', time)
    await expectRefusal(remember(db, { text: 'x', expiresAt: time }), InvalidInputError, 'expiresAt', time)
    const searching = bm25Search(db, { queryText: 'x', filter: { since: time } })
    await expectRefusal(searching, InvalidInputError, 'filter.since', time)
    const direct = callDirectly(db, [{ intent: 'x' }, { intent: 'x', deadline_at: time }])
    await expectRefusal(direct, InvalidInputError, 'element 1: deadlineAt must be an ISO 8601 time', time)
  })

  function callDirectly(db: Database, jobs: unknown[]) {
    return queryRows(db, sql`SELECT * FROM enqueue_many(${JSON.stringify(jobs)}::text::jsonb)`)
  }
})
