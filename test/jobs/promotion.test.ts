import { sql } from 'drizzle-orm'
import { getContainerRuntimeClient } from 'testcontainers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  addUsage,
  type Connection,
  claim,
  complete,
  completeMany,
  connect,
  enqueue,
  fail,
  getJob,
  heartbeat,
  jobAttempts,
  type Lease,
  migrate,
  release,
  reportProgress,
  type ServerDatabase,
  saveCheckpoint,
  snooze,
  waitFor,
} from '../../src/index.ts'
import { Cluster } from '../chaos/cluster.ts'

const hasDocker = await getContainerRuntimeClient().then(
  () => true,
  () => false,
)

describe.skipIf(!hasDocker)(
  'workers of a primary that died with commits of which its standby never heard',
  () => {
    let cluster: Cluster
    const connections: Connection<ServerDatabase>[] = []
    const open = async () => {
      const connection = await connect({ kind: 'server', url: cluster.url(cluster.toPrimary) })
      connections.push(connection)
      return connection.db
    }

    beforeAll(async () => {
      cluster = await Cluster.start(256)
    })
    afterAll(async () => {
      await Promise.all(connections.map(({ close }) => close()))
      await cluster?.stop()
    })

    it('are zombies of the promoted standby, which gives no token again', async () => {
      const old = await open()
      await migrate(old)
      for (const id of ['taken', 'again', 'settled', 'held'])
        await enqueue(old, { id, intent: 'x', queue: id })
      // What the standby knows: one lease that is held, and one of a job that was given back since.
      const claimOne = async (db: ServerDatabase, queue: string, workerId: string): Promise<Lease> => {
        const [job] = await claim(db, { queue, workerId, leaseSeconds: 3600 })
        if (job === undefined) throw new Error(`nothing to claim in ${queue}`)
        return { id: job.id, leaseToken: job.leaseToken }
      }
      const held = await claimOne(old, 'held', 'holder')
      const first = await claimOne(old, 'again', 'first')
      expect(await release(old, first)).toBe('ok')

      await cluster.partReplication()
      const taken = await claimOne(old, 'taken', 'zombie')
      const again = await claimOne(old, 'again', 'zombie')
      const settled = await claimOne(old, 'settled', 'zombie')
      expect(await complete(old, { ...settled, result: 'lost' })).toBe('ok')
      await cluster.failOver()

      const db = await open()
      expect(await getJob(db, { id: 'settled' })).toMatchObject({ status: 'pending', leaseToken: 0 })
      // A lease that the standby knows of is good still.
      expect(await heartbeat(db, { leases: [held] })).toMatchObject([{ state: 'held' }])
      expect(await complete(db, held)).toBe('ok')

      const refuses = async (lease: Lease) => {
        const before = await getJob(db, { id: lease.id })
        expect(await heartbeat(db, { leases: [lease] })).toMatchObject([{ state: 'lost' }])
        expect(await complete(db, { ...lease, result: 'of the zombie' })).toBe('stale_lease')
        expect(await completeMany(db, { jobs: [lease] })).toMatchObject([{ outcome: 'stale_lease' }])
        expect(await fail(db, { ...lease, error: { code: 'z', message: 'z' } })).toBe('stale_lease')
        expect(await release(db, lease)).toBe('stale_lease')
        expect(await snooze(db, { ...lease, delaySeconds: 9 })).toBe('stale_lease')
        expect(await reportProgress(db, { ...lease, progress: 0.5 })).toBe('stale_lease')
        expect(await addUsage(db, { ...lease, model: 'z', cost: 9 })).toBe('stale_lease')
        expect(await saveCheckpoint(db, { ...lease, state: 'z' })).toBe('stale_lease')
        expect(await waitFor(db, { ...lease, reason: 'input' })).toMatchObject({ outcome: 'stale_lease' })
        expect(await getJob(db, { id: lease.id })).toEqual(before)
      }
      for (const zombie of [taken, again, settled]) {
        await refuses(zombie)
        const heir = await claimOne(db, zombie.id, 'heir')
        expect(heir.leaseToken).toBeGreaterThan(zombie.leaseToken)
        await refuses(zombie)
        expect(await complete(db, { ...heir, result: 'of the heir' })).toBe('ok')
        await refuses(zombie)
        expect(await getJob(db, { id: zombie.id })).toMatchObject({ result: 'of the heir', workerId: 'heir' })
        expect((await jobAttempts(db, { id: zombie.id })).at(-1)).toMatchObject({
          leaseToken: heir.leaseToken,
          outcome: 'completed',
        })
      }
      expect((await db.execute(sql`SELECT pg_is_in_recovery() AS standby`))[0]).toEqual({ standby: false })
    }, 120_000)
  },
)
