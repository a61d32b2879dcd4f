import { readdirSync, readFileSync } from 'node:fs'
import type postgres from 'postgres'

/**
 * A clock in milliseconds for what a connection's server process does: its CPU time where the server runs on this machine
 * (Linux counts it in nanoseconds, so that other work on the machine hardly matters), else the time of day.
 */
export async function backendClock(client: postgres.Sql): Promise<() => number> {
  const [row] = await client`SELECT inet_client_port() AS port`
  // In a container the process has another number, but its title names the client's port.
  const own = processes().find((pid) => titleOf(pid).includes(`(${row?.port})`))
  if (own === undefined) return () => performance.now()
  return () => Number(readFileSync(`/proc/${own}/schedstat`, 'utf8').split(' ')[0]) / 1e6
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

function titleOf(pid: string): string {
  try {
    const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return title.startsWith('postgres:') ? title : ''
  } catch {
    // The process has ended.
    return ''
  }
}
