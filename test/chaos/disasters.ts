import { setTimeout as sleep } from 'node:timers/promises'
import type { Chaos } from './chaos.ts'
import { type Cluster, database } from './cluster.ts'
import type { JobLedger } from './job-ledger.ts'
import type { Machine } from './machine.ts'
import { confirmMemories } from './memory-verdict.ts'
import { Zombies } from './zombies.ts'

/** What befalls the servers. Afterwards there are a primary and a synchronous standby again. */
export interface Disaster {
  readonly name: string
  strike(chaos: Chaos, jobs: JobLedger): Promise<void>
}

let rounds = 0

export const disasters: readonly Disaster[] = [
  {
    name: 'connections are cut',
    async strike({ cluster, report }) {
      for (let turn = 0; turn < 8; turn++) {
        report.count('connections cut', cluster.toPrimary.cut(0.5) + cluster.toStandby.cut(0.5))
        await sleep(400)
      }
    },
  },
  {
    name: 'sessions are terminated',
    async strike({ cluster }) {
      for (let turn = 0; turn < 4; turn++) {
        for (const machine of [cluster.primary, cluster.standby])
          await machine.query(
            `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
              WHERE datname = '${database}' AND pid <> pg_backend_pid() AND random() < 0.7`,
          )
        await sleep(500)
      }
    },
  },
  {
    name: 'the primary is killed and comes back',
    async strike({ cluster }) {
      await cluster.killPrimary()
      await comeBack(cluster, cluster.primary, 500)
    },
  },
  {
    name: 'the standby is killed and comes back',
    async strike({ cluster }) {
      await cluster.standby.kill()
      await comeBack(cluster, cluster.standby, 1500)
    },
  },
  {
    name: 'the disk of the primary is full',
    strike: ({ cluster }) => fillUp(cluster, cluster.primary, 5000),
  },
  {
    name: 'the disk of the standby is full',
    strike: ({ cluster }) => fillUp(cluster, cluster.standby, 4000),
  },
  {
    name: 'the primary dies, the standby takes its place',
    async strike({ cluster }) {
      await cluster.failOver()
      await sleep(1000)
      await cluster.addStandby()
    },
  },
  {
    name: 'the primary dies with commits of which the standby never heard',
    async strike(chaos, jobs) {
      const { cluster, ledger } = chaos
      const zombies = new Zombies(chaos, jobs, rounds++)
      await zombies.prepare()
      ledger.beginLoss()
      await cluster.partReplication()
      await zombies.claim()
      await sleep(1500)
      await cluster.failOver()
      ledger.endLoss()
      await zombies.rise()
      await cluster.addStandby()
    },
  },
]

async function comeBack(cluster: Cluster, machine: Machine, milliseconds: number): Promise<void> {
  await sleep(milliseconds)
  await machine.ensureUp()
  await cluster.whenStreaming()
}

async function fillUp(cluster: Cluster, machine: Machine, milliseconds: number): Promise<void> {
  await machine.fillDisk()
  await sleep(milliseconds)
  await machine.freeDisk()
  await comeBack(cluster, machine, 0)
}

/** Strikes with each disaster in turn, in another order each time around, until the time is over. */
export async function strikeUntil(end: number, chaos: Chaos, jobs: JobLedger): Promise<void> {
  const { cluster, report } = chaos
  let bag: Disaster[] = []
  while (Date.now() < end) {
    report.doing = 'calm'
    await sleep(2000 + Math.random() * 3000)
    if (bag.length === 0) bag = [...disasters]
    const [disaster] = bag.splice(Math.floor(Math.random() * bag.length), 1)
    if (disaster === undefined) continue
    report.doing = disaster.name
    await disaster.strike(chaos, jobs)
    report.count('disasters')
    report.doing = 'the standby catches up'
    await cluster.whenCaughtUp()
    await confirmMemories(chaos, cluster.died)
  }
}
