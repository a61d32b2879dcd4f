import { withReplicas } from 'drizzle-orm/pg-core'
import { type Connection, connect, type Database, type ServerDatabase } from '../../src/index.ts'
import type { Cluster } from './cluster.ts'
import { Ledger } from './ledger.ts'
import { Report } from './report.ts'

/** All that the parts of a run share. */
export interface Chaos {
  readonly cluster: Cluster
  readonly report: Report
  readonly ledger: Ledger
  readonly primary: ServerDatabase
  readonly standby: ServerDatabase
  /** Both, as Drizzle combines them: reads go to the standby, and to the primary if that fails. */
  readonly replicated: Database
  /** Aborted when no more is to be written. */
  readonly signal: AbortSignal
  close(): Promise<void>
}

export async function openChaos(cluster: Cluster, signal: AbortSignal): Promise<Chaos> {
  const open = (url: string, maxConnections: number): Promise<Connection<ServerDatabase>> =>
    // A query that the driver forgets when its connection is cut is given up soon, or the load would be a pause.
    connect({ kind: 'server', url }, { maxConnections, acquireTimeoutSeconds: 6 })
  const primary = await open(cluster.url(cluster.toPrimary), 16)
  const standby = await open(cluster.url(cluster.toStandby), 4)
  type Replicated = Parameters<typeof withReplicas>[0]
  const both = withReplicas(primary.db as unknown as Replicated, [standby.db as unknown as Replicated])
  return {
    cluster,
    report: new Report(),
    ledger: new Ledger(),
    primary: primary.db,
    standby: standby.db,
    replicated: both as unknown as Database,
    signal,
    close: async () => {
      await Promise.all([primary.close(), standby.close()])
    },
  }
}
