import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { describe, expect, it, onTestFinished } from 'vitest'
import { lockEmbedded, lockFolder } from '../../src/database/embedded-lock.ts'
import { queryRows } from '../../src/database/rows.ts'
import { ConfigurationError, connect, DatabaseError, migrate, remember } from '../../src/index.ts'
import { builtScript } from '../support/command.ts'
import { expectRefusal } from '../support/fixtures.ts'

const script = builtScript(fileURLToPath(new URL('embedded-child.ts', import.meta.url)))

interface Child {
  readonly process: ChildProcess
  readonly lines: string[]
  /** Resolves when it has said something that begins so, or has ended. */
  says(start: string): Promise<string | undefined>
  kill(signal?: NodeJS.Signals): Promise<void>
}

function startChild(...words: string[]): Child {
  const child = spawn(process.execPath, [script, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  const ended = once(child, 'exit')
  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    child.kill(signal)
    await ended
  }
  onTestFinished(() => kill())
  const says = async (start: string) => {
    let isClosed = false
    void once(reader, 'close').then(() => (isClosed = true))
    for (;;) {
      const line = lines.find((said) => said.startsWith(start))
      if (line !== undefined || isClosed) return line
      await sleep(2)
    }
  }
  return { process: child, lines, says, kill }
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'opa-db-embedded-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const lock = (folder: string) => lockEmbedded(folder, () => expect.unreachable('the lock was lost'))

describe('the lock of an embedded folder', () => {
  it('refuses a second one of the same process, and says since when the first is there', async () => {
    const folder = temporaryFolder()
    const first = await lock(folder)
    const parts = [
      'open in this process',
      `pid ${process.pid}`,
      /since \d{4}-\d\d-\d\dT/,
      'PostgreSQL server',
    ]
    await expectRefusal(lock(folder), ConfigurationError, ...parts)
    first.release()
    first.release()
    const second = await lock(folder)
    second.release()
    expect(readdirSync(join(folder, lockFolder))).toHaveLength(1)
  })

  it('refuses another process, and is taken over when that is dead', async () => {
    const folder = temporaryFolder()
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const child = startChild('lock', folder)
      expect(await child.says('locked')).toBe('locked')
      await expectRefusal(lock(folder), ConfigurationError, `process ${child.process.pid} since`, folder)
      await child.kill(signal)
    }
    const mine = await lock(folder)
    mine.release()
  })

  it('is had by one of many that take it over at once', { timeout: 120_000 }, async () => {
    const folder = temporaryFolder()
    for (let round = 0; round < 2; round += 1) {
      const children = Array.from({ length: 4 }, () => startChild('lock', folder))
      const said = await Promise.all(
        children.map((child) => Promise.race([child.says('locked'), child.says('refused')])),
      )
      expect(said.filter((line) => line === 'locked')).toHaveLength(1)
      expect(said.filter((line) => line?.startsWith('refused ConfigurationError'))).toHaveLength(3)
      await Promise.all(children.map((child) => child.kill()))
    }
  })

  it('is had by one at a time of this process, however many want it', async () => {
    const folder = temporaryFolder()
    let inside = 0
    let taken = 0
    const want = async () => {
      for (let attempt = 0; attempt < 40; attempt += 1) {
        const mine = await lockEmbedded(folder, () => {}).catch(() => undefined)
        if (mine === undefined) continue
        inside += 1
        expect(inside).toBe(1)
        taken += 1
        await Promise.resolve()
        inside -= 1
        mine.release()
      }
    }
    await Promise.all(Array.from({ length: 10 }, want))
    expect(taken).toBeGreaterThan(20)
  })

  it('is released by a process that ends', async () => {
    const folder = temporaryFolder()
    const child = startChild('lock', folder, 'briefly')
    await child.says('released')
    expect(newest(folder)).toMatchObject({ pid: child.process.pid, released: true })
  })

  it('is not held by another process of the same number', async () => {
    const folder = temporaryFolder()
    forge(folder, (owner) => ({ ...owner, started: 'at another time' }))
    ;(await lock(folder)).release()
    // One that is dead but not waited for by its parent.
    const child = startChild('lock', folder)
    await child.says('locked')
    child.process.kill('SIGKILL')
    await expect.poll(() => lock(folder).then((mine) => mine.release())).toBeUndefined()
  })

  it('of a process in another container is held as long as that shows that it lives', async () => {
    const folder = temporaryFolder()
    const file = forge(folder, (owner) => ({ ...owner, host: 'elsewhere', namespace: 'pid:[1]' }))
    const beat = setInterval(() => utimesSync(file, new Date(), new Date()), 100)
    await expectRefusal(lock(folder), ConfigurationError, 'on elsewhere').finally(() => clearInterval(beat))
    utimesSync(file, new Date(), new Date(Date.now() - 21_000))
    ;(await lock(folder)).release()
  })

  it('that was lost to another container closes the database', async () => {
    const folder = temporaryFolder()
    const lost = new Promise<void>((resolve) => void lockEmbedded(folder, resolve))
    await sleep(50)
    forge(folder, (owner) => ({ ...owner, host: 'elsewhere' }), 2)
    await lost
  })

  function newest(folder: string): Record<string, unknown> {
    const [file] = readdirSync(join(folder, lockFolder)).sort((one, other) => Number(other) - Number(one))
    return JSON.parse(readFileSync(join(folder, lockFolder, String(file)), 'utf8'))
  }

  /** Writes the lock file of somebody who is like this process but for what `change` changes. */
  function forge(folder: string, change: (owner: Record<string, unknown>) => object, number = 1): string {
    const other = temporaryFolder()
    const file = join(folder, lockFolder, String(number))
    mkdirSync(join(folder, lockFolder), { recursive: true })
    void lock(other).then((mine) => mine.release())
    const owner = newest(other)
    writeFileSync(file, JSON.stringify({ ...change(owner), released: false }))
    return file
  }
})

describe('an embedded database', () => {
  it('is opened by one process, and again when it is closed', { timeout: 120_000 }, async () => {
    const dataDir = join(temporaryFolder(), 'deep', 'data')
    const first = await connect({ kind: 'embedded', dataDir })
    await expectRefusal(connect({ kind: 'embedded', dataDir }), ConfigurationError, 'open in this process')
    const child = startChild('write', dataDir, 'x')
    expect(await child.says('refused')).toContain(
      `ConfigurationError: the embedded database in ${dataDir} is open in process ${process.pid}`,
    )
    await migrate(first.db)
    await remember(first.db, { text: 'kept' })
    await first.close()
    const second = await connect({ kind: 'embedded', dataDir })
    expect(await queryRows(second.db, sql`SELECT text FROM memory_items`)).toEqual([{ text: 'kept' }])
    await second.close()
  })

  it('loses nothing acknowledged in twenty kills, the first start included', {
    timeout: 900_000,
  }, async () => {
    const dataDir = join(temporaryFolder(), 'data')
    const kept = new Set<string>()
    for (let round = 0; round < 20; round += 1) {
      const child = startChild('write', dataDir, `r${round}`)
      // Some in their start: at first before anything is there, then while the cluster is made, moved and migrated.
      if (round < 6) await Promise.race([sleep(400 * 2 ** round), child.says('kept')])
      else await child.says('kept')
      await sleep(Math.random() * 300)
      await child.kill(round % 3 === 2 ? 'SIGTERM' : 'SIGKILL')
      expect(child.lines.filter((line) => line.startsWith('refused'))).toEqual([])
      for (const line of child.lines) if (line.startsWith('kept ')) kept.add(line.slice(5))
    }
    const { db, close } = await connect({ kind: 'embedded', dataDir })
    const rows = await queryRows(db, sql`SELECT id FROM memory_items`)
    const there = new Set(rows.map(({ id }) => String(id)))
    expect([...kept].filter((id) => !there.has(id))).toEqual([])
    expect(kept.size).toBeGreaterThan(20)
    await close()
  })

  it.each(['PG_VERSION', 'global/pg_control', 'base/5'])(
    'that an unfinished first start left without %s is made anew, and foreign files stay',
    { timeout: 120_000 },
    async (lacking) => {
      const dataDir = join(temporaryFolder(), 'data')
      await (await PGlite.create({ dataDir })).close()
      rmSync(join(dataDir, lacking), { recursive: true })
      writeFileSync(join(dataDir, 'notes.txt'), 'mine')
      const { db, close } = await connect({ kind: 'embedded', dataDir })
      await migrate(db)
      await close()
      expect(readFileSync(join(dataDir, 'notes.txt'), 'utf8')).toBe('mine')
      expect(readdirSync(join(dataDir, 'opa-db.unfinished'))).toContain('base')
    },
  )

  it('that holds data and cannot be opened is left as it is', { timeout: 120_000 }, async () => {
    const dataDir = join(temporaryFolder(), 'data')
    const client = await PGlite.create({ dataDir })
    await client.exec('CREATE TABLE mine (text text)')
    await client.close()
    for (const lacking of ['global/pg_control', 'PG_VERSION']) {
      rmSync(join(dataDir, lacking))
      const names = () =>
        readdirSync(dataDir).filter((name) => ![lockFolder, 'postmaster.pid'].includes(name))
      const before = names()
      await expectRefusal(
        connect({ kind: 'embedded', dataDir }),
        DatabaseError,
        'cannot be opened',
        'holds data',
      )
      expect(names()).toEqual(before)
    }
  })

  it('goes on where a start was killed between making the cluster and moving it', {
    timeout: 120_000,
  }, async () => {
    const dataDir = join(temporaryFolder(), 'data')
    const whole = join(dataDir, 'opa-db.whole')
    mkdirSync(join(dataDir, 'opa-db.new', 'half'), { recursive: true })
    await (await PGlite.create({ dataDir: whole })).close()
    const { close } = await connect({ kind: 'embedded', dataDir })
    await close()
    expect(readdirSync(dataDir)).toContain('PG_VERSION')
    expect(readdirSync(dataDir)).not.toContain('opa-db.whole')
  })
})
