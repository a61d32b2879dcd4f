import { setTimeout as sleep } from 'node:timers/promises'
import { FailoverProxy } from './failover-proxy.ts'
import { Machine } from './machine.ts'

export const database = 'opa'

/** A primary, and a standby that streams from it, behind two addresses that stay while the machines change places. */
export class Cluster {
  primary: Machine
  standby: Machine
  /** When a primary was killed last, and with it all that its sessions were still at. */
  died = 0
  readonly toPrimary: FailoverProxy
  readonly toStandby: FailoverProxy

  private constructor(
    primary: Machine,
    standby: Machine,
    toPrimary: FailoverProxy,
    toStandby: FailoverProxy,
  ) {
    this.primary = primary
    this.standby = standby
    this.toPrimary = toPrimary
    this.toStandby = toStandby
  }

  /** @param size of each machine's disk in MB. */
  static async start(size: number): Promise<Cluster> {
    const [one, other] = await Promise.all([
      Machine.start('machine 1', size),
      Machine.start('machine 2', size),
    ])
    const cluster = new Cluster(one, other, await FailoverProxy.listen(), await FailoverProxy.listen())
    try {
      await one.initialise()
      await one.query(`CREATE DATABASE ${database}`)
      cluster.toPrimary.route(one.address)
      await cluster.addStandby()
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  url(proxy: FailoverProxy): string {
    return `postgres://postgres@127.0.0.1:${proxy.port}/${database}`
  }

  /** Makes the standby anew from the primary, and the primary wait for it at each commit. */
  async addStandby(): Promise<void> {
    await this.standby.follow(this.primary)
    this.toStandby.route(this.standby.address)
    await this.whenStreaming()
    await this.setSynchronous(true)
  }

  /** Whether COMMIT waits until the standby has it on its disk. */
  async setSynchronous(isOn: boolean, machine = this.primary): Promise<void> {
    await machine.query(
      isOn
        ? "ALTER SYSTEM SET synchronous_standby_names = '*'"
        : 'ALTER SYSTEM RESET synchronous_standby_names',
      'SELECT pg_reload_conf()',
    )
    if (isOn)
      await until('the standby is synchronous', async () => (await this.#standbys("sync_state = 'sync'")) > 0)
  }

  whenStreaming(): Promise<void> {
    return until('the standby streams', async () => (await this.#standbys("state = 'streaming'")) > 0)
  }

  /** Waits until the standby has replayed all that the primary has written so far. */
  async whenCaughtUp(): Promise<void> {
    const place = await this.primary.query('SELECT pg_current_wal_lsn()')
    await until('the standby catches up', async () => {
      const behind = await this.standby.query(`SELECT '${place}'::pg_lsn - pg_last_wal_replay_lsn()`)
      return Number(behind) <= 0
    })
  }

  /** The standby hears nothing more of the primary, and is not waited for: commits from now on are on one machine alone. */
  async partReplication(): Promise<void> {
    await this.setSynchronous(false)
    await this.standby.query("ALTER SYSTEM SET primary_conninfo = ''", 'SELECT pg_reload_conf()')
    await until('the standby is cut off', async () => (await this.#standbys('true')) === 0)
  }

  async killPrimary(): Promise<void> {
    await this.primary.kill()
    this.died = Date.now()
  }

  /** Kills the primary for good, lets the standby take its place, and sends clients there. */
  async failOver(): Promise<void> {
    const [dead, next] = [this.primary, this.standby]
    this.toPrimary.route(null)
    await this.killPrimary()
    this.toPrimary.cut()
    this.toStandby.route(null)
    await this.setSynchronous(false, next)
    await next.promote()
    this.toStandby.cut()
    this.primary = next
    this.standby = dead
    this.toPrimary.route(next.address)
  }

  async stop(): Promise<void> {
    this.toPrimary.close()
    this.toStandby.close()
    await Promise.all([this.primary.stop(), this.standby.stop()])
  }

  async #standbys(condition: string): Promise<number> {
    return Number(await this.primary.query(`SELECT count(*) FROM pg_stat_replication WHERE ${condition}`))
  }
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await isSo()); await sleep(100)) {
    if (Date.now() > end) throw new Error(`a minute is not enough until ${what}`)
  }
}
