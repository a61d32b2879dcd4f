import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { lockFolder } from '../../src/database/embedded-lock.ts'
import { claim, complete, enqueue, fail, getJob, putSchedule, waitFor } from '../../src/index.ts'
import { builtCommand, ended, run, start } from '../support/command.ts'
import { describeCommandsOnEachBackend, describeCommandsOnServer } from '../support/command-databases.ts'
import { usedFolder } from '../support/empty-folder.ts'

beforeAll(() => {
  builtCommand()
})

describeCommandsOnEachBackend('opa-db jobs', (database) => {
  const jobs = (...words: string[]) => run(['jobs', ...words], database.in())
  let root: string
  let failed: string

  it('lists jobs by queue and status, in words and in JSON', async () => {
    await database.with(async (db) => {
      root = (
        await enqueue(db, { queue: 'documents', intent: 'read \u001b[31mthe report', inputs: { pages: 3 } })
      ).id
      await enqueue(db, { queue: 'documents', intent: 'summarise', parentId: root })
      failed = (await enqueue(db, { queue: 'mail', intent: 'send', maxAttempts: 1 })).id
      const [job] = await claim(db, { queue: 'mail', workerId: 'w1' })
      if (job) {
        await fail(db, {
          id: job.id,
          leaseToken: job.leaseToken,
          error: { code: 'smtp', message: 'no answer' },
        })
      }
    })
    const { code, stdout, stderr } = await jobs('list')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('read ␛[31mthe report')
    expect(stdout).toContain('send (smtp: no answer)')
    expect(stdout).toContain(`${root.slice(-12)}  pending`)
    const { items } = JSON.parse((await jobs('list', '--status', 'failed,cancelled', '--json')).stdout)
    expect(items).toMatchObject([{ id: failed, queue: 'mail', status: 'failed' }])
    const page = await jobs('list', '--limit', '1')
    expect(page.stderr).toMatch(/^more: opa-db jobs list --after /)
    expect(await jobs('list', '--queue', 'none')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'no such jobs\n',
    })
  })

  it('shows a job by the end of its id, with its attempts', async () => {
    const { stdout } = await jobs('show', failed.slice(-12))
    expect(stdout).toMatch(/^send\n\nid +\S+\nstatus +failed\n/)
    expect(stdout).toMatch(/\n +1 +\d{4}-\d\d-\d\d \d\d:\d\d +.*failed: no answer +w1\n/)
    const { stdout: json } = await jobs('show', failed, '--json')
    expect(JSON.parse(json)).toMatchObject({ id: failed, attempts: [{ outcome: 'failed', workerId: 'w1' }] })
    expect(await jobs('show', 'none-such')).toMatchObject({ code: 1, stdout: '' })
  })

  it('shows a tree', async () => {
    const { stdout } = await jobs('tree', root)
    expect(stdout.split('\n').map((line) => line.replace(/ +\S+$/, ''))).toEqual([
      'read ␛[31mthe report  pending',
      '  summarise  pending',
      '',
    ])
  })

  it('says how queues are doing', async () => {
    const { code, stdout } = await jobs('stats')
    expect(code).toBe(0)
    expect(stdout).toMatch(/ +2 +0 +0 +0 +0 +0 .*documents\n/)
    expect(JSON.parse((await jobs('stats', '--queue', 'mail', '--json')).stdout).queues).toMatchObject([
      { failed: 1 },
    ])
  })

  it('finds stuck jobs and exits with 1; with none it says so and exits with 0', async () => {
    expect(await jobs('stuck')).toMatchObject({ code: 0, stdout: '', stderr: 'none is stuck\n' })
    await sleep(1100)
    const { code, stdout } = await jobs('stuck', '--longer-than', '1 second')
    expect(code).toBe(1)
    expect(stdout).toContain('not picked up')
  })

  it('retries and cancels, and says what could not be', async () => {
    expect((await jobs('retry', failed.slice(-12))).stdout).toMatch(/runs again\n$/)
    const again = await jobs('retry', failed)
    expect(again.code).toBe(1)
    expect(again.stdout).toMatch(/its status does not allow that/)
    expect(await jobs('cancel', root, '--cascade')).toMatchObject({ code: 0 })
    const page = JSON.parse((await jobs('list', '--queue', 'documents', '--json')).stdout)
    expect(page.items.map(({ status }: { status: string }) => status)).toEqual(['cancelled', 'cancelled'])
  })

  it('shows a question before it is answered, and answers only with --yes where nobody can be asked', async () => {
    const id = await database.with(async (db) => {
      const { id } = await enqueue(db, {
        queue: 'approvals',
        intent: 'delete the archive',
        inputs: { files: 12 },
      })
      const [job] = await claim(db, { queue: 'approvals', workerId: 'w' })
      if (job)
        await waitFor(db, {
          ...lease(job),
          reason: 'approval',
          requiredAction: { question: 'really all 12?' },
        })
      return id
    })
    const asked = await jobs('approve', id)
    expect(asked).toMatchObject({ code: 2, stdout: '' })
    expect(asked.stderr).toMatch(
      /delete the archive, in the queue approvals\n.*really all 12\?.*\ninputs: \{"files":12\}\n/,
    )
    const approved = await jobs('approve', id, '--yes', '--by', 'ada')
    expect(approved).toMatchObject({ code: 0, stdout: 'approved\n' })
    expect(await database.with((db) => getJob(db, { id }))).toMatchObject({ status: 'pending' })
    const late = await jobs('reject', id, '--yes')
    expect(late.code).toBe(1)
    expect(late.stderr).toMatch(/does not wait for approval|not answered: not waiting/)
  })

  it('watches: a line of JSON each time, and Ctrl-C is a good end', async () => {
    const { stdout } = await jobs('watch', '--json', '--times', '2', '--interval', '0.1')
    const looks = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(looks).toHaveLength(2)
    expect(looks[0].queues.length).toBeGreaterThan(0)
    const child = start(['jobs', 'watch', '--interval', '60'], database.in())
    child.stdout?.once('data', () => child.kill('SIGINT'))
    expect(await ended(child)).toMatchObject({ code: 0, stderr: '' })
    expect((await jobs('list', '--json')).code).toBe(0)
  })
})

// The same calls of the same helpers, which are tried on each backend: once is enough.
describeCommandsOnServer('opa-db jobs, many at once', (database) => {
  const jobs = (...words: string[]) => run(['jobs', ...words], database.in())

  it('changes all jobs that are meant, after saying how many', async () => {
    await database.with(async (db) => {
      for (const intent of ['a', 'b']) await enqueue(db, { queue: 'many', intent })
    })
    expect(await jobs('cancel')).toMatchObject({ code: 2, stdout: '' })
    const asked = await jobs('cancel', '--queue', 'many')
    expect(asked.code).toBe(2)
    expect(asked.stderr).toContain('cancel 2 jobs (2 pending)?')
    expect(await jobs('cancel', '--queue', 'many', '--yes')).toMatchObject({
      code: 0,
      stdout: 'cancel: 2 jobs\n',
    })
    const retried = await jobs('retry', '--queue', 'many', '--intent', 'a', '--yes')
    expect(retried).toMatchObject({ code: 0, stdout: 'retry: 1 job\n' })
  })

  it('pauses a queue and lets it go on', async () => {
    expect((await jobs('pause', 'many', '--reason', 'lunch')).stdout).toBe('many: paused\n')
    expect(await database.with((db) => claim(db, { queue: 'many', workerId: 'w' }))).toEqual([])
    expect((await jobs('resume', 'many')).stdout).toBe('many: goes on\n')
    expect(await database.with((db) => claim(db, { queue: 'many', workerId: 'w' }))).toHaveLength(1)
  })

  it('prunes what ended', async () => {
    await database.with(async (db) => {
      await enqueue(db, { queue: 'done', intent: 'x' })
      const [job] = await claim(db, { queue: 'done', workerId: 'w' })
      if (job) await complete(db, lease(job))
    })
    expect(await jobs('prune')).toMatchObject({ code: 2, stdout: '' })
    const pruned = await jobs('prune', '--older-than', '0 seconds', '--queue', 'done', '--yes')
    expect(pruned).toMatchObject({ code: 0, stdout: 'deleted 1 job\n' })
  })

  it('lists, pauses, resumes and removes schedules', async () => {
    expect(await jobs('schedules')).toMatchObject({ code: 0, stdout: '', stderr: 'no schedules\n' })
    await database.with(async (db) => {
      await putSchedule(db, { key: 'digest', intent: 'write', cron: '0 7 * * *', timeZone: 'Europe/Berlin' })
      await putSchedule(db, { key: 'inbox', intent: 'read', queue: 'mail', everySeconds: 300 })
    })
    const { stdout } = await jobs('schedules')
    expect(stdout).toMatch(/not known yet +0 7 \* \* \* Europe\/Berlin +default +digest: write/)
    expect(stdout).toMatch(/not known yet +5 min +mail +inbox: read/)
    expect(await jobs('schedules', 'pause', 'inbox')).toMatchObject({ code: 0, stdout: 'inbox: paused\n' })
    expect((await jobs('schedules', '--queue', 'mail')).stdout).toMatch(/paused +5 min +mail +inbox/)
    expect(await jobs('schedules', 'resume', 'inbox')).toMatchObject({ code: 0, stdout: 'inbox: goes on\n' })
    expect(await jobs('schedules', 'remove', 'inbox')).toMatchObject({ code: 0, stdout: 'inbox: removed\n' })
    expect(await jobs('schedules', 'remove', 'inbox')).toMatchObject({ code: 1, stdout: '' })
    const listed = JSON.parse((await jobs('schedules', '--json')).stdout)
    expect(listed).toMatchObject([{ key: 'digest', pausedAt: null }])
  })
})

function lease({ id, leaseToken }: { id: string; leaseToken: number }): { id: string; leaseToken: number } {
  return { id, leaseToken }
}

describe('Ctrl-C', () => {
  it('ends a command that waits for its input with 130, and closes the database', async () => {
    const cwd = usedFolder()
    const child = start(['import'], { cwd, input: null })
    child.stdin?.write('{"text": "first"}\n')
    // It has opened the database, and waits.
    await expect.poll(() => existsSync(join(cwd, '.opa', lockFolder)), { timeout: 50_000 }).toBe(true)
    await sleep(1000)
    child.kill('SIGINT')
    const { code, stderr } = await ended(child)
    expect(code).toBe(130)
    expect(stderr).toMatch(/opa-db: stopped\n$/)
    expect(await run(['list', '--json'], { cwd })).toMatchObject({ code: 0 })
  })
})
