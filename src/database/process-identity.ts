import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'

/**
 * When a process of this machine began, as a text that no other process of the same number has; null if there is none
 * (or only what its parent has not waited for), undefined if it is there and the system does not tell when it began.
 */
export function processStart(pid: number): string | null | undefined {
  if (!isRunning(pid)) return null
  if (process.platform === 'linux') {
    const stat = contentsOf(`/proc/${pid}/stat`)
    if (stat === undefined) return isRunning(pid) ? undefined : null
    // After the name, which may have blanks and brackets: the state first, the start as the twentieth.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19]
  }
  if (process.platform === 'win32') return undefined
  const { status, stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : undefined
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
}

/** What tells this start of the machine from others; null where the system does not say. */
export function bootId(): string | null {
  return contentsOf('/proc/sys/kernel/random/boot_id')?.trim() ?? null
}

/** The space in which process numbers are unique: a container has its own. Null where there are none. */
export function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return null
  }
}

function contentsOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
