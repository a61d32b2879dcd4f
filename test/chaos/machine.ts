import { setTimeout as sleep } from 'node:timers/promises'
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers'

const settings = [
  "listen_addresses = '*'",
  'max_connections = 80',
  'shared_buffers = 64MB',
  'max_wal_size = 96MB',
  'min_wal_size = 32MB',
  'wal_keep_size = 96MB',
  'max_wal_senders = 6',
  // A standby that gives up a dead primary soon, and cancels searches that are in the way of its replay.
  'wal_receiver_timeout = 5s',
  'wal_sender_timeout = 5s',
  'wal_retrieve_retry_interval = 500ms',
  'max_standby_streaming_delay = 2s',
  'autovacuum_naptime = 5s',
  'log_checkpoints = off',
]

/**
 * A container that has PostgreSQL's files on a small disk in memory, and lives on when PostgreSQL is killed: like a
 * machine, and unlike a container of the server itself, whose disk would go with it.
 */
export class Machine {
  readonly #container: StartedTestContainer

  private constructor(
    readonly name: string,
    container: StartedTestContainer,
  ) {
    this.#container = container
  }

  /** @param size of its disk in MB. */
  static async start(name: string, size: number): Promise<Machine> {
    const container = await new GenericContainer(
      process.env.OPA_TEST_POSTGRES_IMAGE || 'pgvector/pgvector:pg17',
    )
      // A shell takes in the processes whose parent was killed: a dead postmaster that stays in the table counts as alive.
      .withEntrypoint(['bash', '-c', 'echo up; while :; do sleep 1; done'])
      .withTmpFs({ '/pg': `rw,size=${size}m,mode=1777` })
      .withSharedMemorySize(256 * 1024 * 1024)
      .withExposedPorts(5432)
      .withWaitStrategy(Wait.forLogMessage('up'))
      .start()
    return new Machine(name, container)
  }

  /** Where PostgreSQL is found from this process. */
  get address(): { host: string; port: number } {
    return { host: this.#container.getHost(), port: this.#container.getMappedPort(5432) }
  }

  /** Where it is found from the other machine. */
  get inner(): string {
    return this.#container.getIpAddress('bridge')
  }

  async initialise(): Promise<void> {
    await this.#run(
      'initdb -D /pg/data -U postgres -A trust --locale=C.UTF-8 -E UTF8 --data-checksums >/dev/null',
    )
    const lines = settings.map((line) => `echo "${line}" >> /pg/data/postgresql.conf`)
    const trusted = ['all', 'replication'].map(
      (what) => `echo 'host ${what} all 0.0.0.0/0 trust' >> /pg/data/pg_hba.conf`,
    )
    await this.#run([...lines, ...trusted].join(' && '))
    await this.startServer()
  }

  /** Starts PostgreSQL, which recovers what it must, and waits until it takes connections. */
  async startServer(): Promise<void> {
    await this.#run('pg_ctl -D /pg/data -l /tmp/server.log -w -t 60 start >/dev/null')
  }

  async isUp(): Promise<boolean> {
    return (await this.#try('pg_isready -q -h 127.0.0.1')) === 0
  }

  /** Waits for PostgreSQL to go on by itself after a crash; starts it if it has ended. */
  async ensureUp(): Promise<void> {
    for (let tried = 0; ; tried++) {
      if (await this.isUp()) return
      if ((await this.#try('pg_ctl -D /pg/data status >/dev/null')) !== 0) {
        await this.startServer().catch((error: unknown) => {
          if (tried === 30) throw error
        })
      }
      if (tried === 60) throw new Error(`PostgreSQL of ${this.name} does not come back:\n${await this.log()}`)
      await sleep(500)
    }
  }

  /** SIGKILL for every process of PostgreSQL, the postmaster first, so that none is ended in an orderly way. */
  async kill(): Promise<void> {
    await this.#run(`
      pid=$(head -1 /pg/data/postmaster.pid)
      children=$(grep -ls "^PPid:[[:space:]]*$pid\\$" /proc/[0-9]*/status | cut -d / -f 3)
      kill -9 $pid $children 2>/dev/null
      for n in $(seq 100); do
        alive=
        for one in $pid $children; do ! kill -0 $one 2>/dev/null || alive=1; done
        [ -n "$alive" ] || exit 0
        sleep 0.1
      done
      exit 1`)
  }

  async promote(): Promise<void> {
    await this.#run('pg_ctl -D /pg/data -w -t 60 promote >/dev/null')
  }

  /** Makes this machine the standby of another, from nothing. */
  async follow(primary: Machine): Promise<void> {
    if ((await this.#try('pg_ctl -D /pg/data status >/dev/null')) === 0) await this.kill()
    await this.#run(
      `rm -rf /pg/data && pg_basebackup -h ${primary.inner} -U postgres -D /pg/data -R -c fast -X stream`,
    )
    await this.startServer()
  }

  /** Leaves not a byte free on the disk. */
  async fillDisk(): Promise<void> {
    await this.#try('head -c 100G /dev/zero > /pg/ballast 2>/dev/null')
  }

  async freeDisk(): Promise<void> {
    await this.#run('rm -f /pg/ballast')
  }

  /** Statements by psql, each in a transaction of its own; what the last one said. */
  async query(...statements: string[]): Promise<string> {
    const commands = statements.map((statement) => `-c "${statement.replaceAll(/(["$`\\])/g, '\\$1')}"`)
    const said = await this.#run(
      `psql -X -q -A -t -h 127.0.0.1 -U postgres -v ON_ERROR_STOP=1 -d postgres ${commands.join(' ')}`,
    )
    return said.trim().split('\n').at(-1) ?? ''
  }

  /** What amcheck finds in every index and table of a database; empty if all is well. */
  async amcheck(database: string, isPrimary: boolean): Promise<string> {
    // Comparing parents with children needs a lock that a standby does not give.
    const options = isPrimary ? '--install-missing --parent-check --heapallindexed' : '--heapallindexed'
    const { output, exitCode } = await this.#exec(
      `pg_amcheck -h 127.0.0.1 -U postgres --jobs=1 ${options} ${database} 2>&1`,
    )
    return exitCode === 0 ? '' : output.trim() || `pg_amcheck ended with ${exitCode}`
  }

  async log(): Promise<string> {
    return (await this.#exec('tail -n 40 /tmp/server.log')).output
  }

  async stop(): Promise<void> {
    await this.#container.stop({ timeout: 0 })
  }

  #exec(command: string) {
    return this.#container.exec(['bash', '-c', command], { user: 'postgres' })
  }

  async #try(command: string): Promise<number> {
    return (await this.#exec(command)).exitCode
  }

  async #run(command: string): Promise<string> {
    const { output, stdout, exitCode } = await this.#exec(command)
    if (exitCode !== 0) {
      const what = command.trim().slice(0, 120)
      throw new Error(`${this.name}: ${what} ended with ${exitCode}: ${output.trim()}\n${await this.log()}`)
    }
    return stdout
  }
}
