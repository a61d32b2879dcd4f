import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigurationError } from '../errors.ts'
import { bootId, pidNamespace, processStart } from './process-identity.ts'

// PGlite takes no lock on its folder, and two processes that write it lose each other's data. The lock is a file with a
// number in the folder `opa-db.lock`: whoever has made the file with the highest number holds it. The next is made only
// after the highest was released or its process is dead, exclusively, and numbers never go back (the last file stays as a
// mark), so of two that take over at once one makes the file, and one that comes late finds a higher number than its own.

export const lockFolder = 'opa-db.lock'

/** How often a holder shows that it lives, for those that cannot see its process: in another container, on another host. */
const beatMilliseconds = 2000
/** Without a beat for so long, such a holder is dead. */
const silenceMilliseconds = 20_000

interface Owner {
  readonly pid: number
  /** When the process began, as the operating system tells it: the same number may be another process by now. */
  readonly started: string | null
  readonly host: string
  readonly boot: string | null
  readonly namespace: string | null
  readonly since: string
  readonly released?: boolean
}

export interface EmbeddedLock {
  /** Gives the folder to others. */
  release(): void
}

/**
 * Takes the lock of an embedded database's folder, which must be there.
 *
 * @param onLost called if another process has taken the folder, which only a process can that does not see this one
 *   (another container), after this one did nothing for 20 seconds.
 * @throws ConfigurationError that names the process which has the folder open.
 */
export async function lockEmbedded(dataDir: string, onLost: () => void): Promise<EmbeddedLock> {
  const folder = join(dataDir, lockFolder)
  mkdirSync(folder, { recursive: true })
  const owner: Owner = {
    pid: process.pid,
    started: processStart(process.pid) ?? null,
    host: hostname(),
    boot: bootId(),
    namespace: pidNamespace(),
    since: new Date().toISOString(),
  }
  for (;;) {
    const last = highest(folder)
    if (last > 0) await refuseIfHeld(dataDir, join(folder, String(last)))
    const mine = last + 1
    if (!makeExclusively(folder, mine, owner)) continue
    if (highest(folder) !== mine) {
      rmSync(join(folder, String(mine)), { force: true })
      continue
    }
    for (const number of numbers(folder))
      if (number < mine) rmSync(join(folder, String(number)), { force: true })
    return hold(folder, mine, owner, onLost)
  }
}

function hold(folder: string, mine: number, owner: Owner, onLost: () => void): EmbeddedLock {
  const file = join(folder, String(mine))
  const release = () => {
    clearInterval(beat)
    process.off('exit', release)
    try {
      if (highest(folder) === mine) replace(folder, mine, { ...owner, released: true })
    } catch {
      // The folder was removed meanwhile, or is not writable any more: there is nothing to release.
    }
  }
  const beat = setInterval(() => {
    try {
      if (highest(folder) > mine) {
        clearInterval(beat)
        process.off('exit', release)
        onLost()
      } else utimesSync(file, new Date(), new Date())
    } catch {
      // As above.
    }
  }, beatMilliseconds)
  beat.unref()
  process.on('exit', release)
  return { release }
}

async function refuseIfHeld(dataDir: string, file: string): Promise<void> {
  const first = read(file)
  if (first === undefined || first.owner?.released) return
  const { owner } = first
  const state = owner === undefined ? 'unknown' : stateOf(owner)
  if (state === 'dead') return
  for (let now = first; state === 'unknown'; ) {
    if (Date.now() - now.beatAt > silenceMilliseconds) return
    await sleep(250)
    const next = read(file)
    if (next === undefined || next.owner?.released) return
    if (next.beatAt !== first.beatAt) break
    now = next
  }
  throw new ConfigurationError(refusal(dataDir, owner))
}

function refusal(dataDir: string, owner: Owner | undefined): string {
  const isMine = owner?.pid === process.pid && stateOf(owner) === 'alive'
  const elsewhere = owner?.host === hostname() ? '' : ` on ${owner?.host}`
  const holder = isMine
    ? `this process (pid ${process.pid})`
    : owner === undefined
      ? 'another process'
      : `process ${owner.pid}${elsewhere}`
  const what = isMine
    ? 'Use that connection for everything'
    : 'Use it from that process, or stop that one first'
  return `the embedded database in ${dataDir} is open in ${holder} since ${owner?.since ?? 'a moment ago'}, and only one may have it open. ${what}; for several processes use a PostgreSQL server (DATABASE_URL)`
}

function stateOf(owner: Owner): 'alive' | 'dead' | 'unknown' {
  // Without the same kernel and the same process numbers nothing is known about a process of that number.
  if (owner.host !== hostname() || owner.boot !== bootId() || owner.namespace !== pidNamespace())
    return 'unknown'
  const started = processStart(owner.pid)
  if (started === undefined) return 'alive'
  return started !== null && started === owner.started ? 'alive' : 'dead'
}

function read(file: string): { owner: Owner | undefined; beatAt: number } | undefined {
  try {
    const beatAt = statSync(file).mtimeMs
    return { owner: parse(readFileSync(file, 'utf8')), beatAt }
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw error
  }
}

/** Undefined for what is not written whole, as after a power failure. */
function parse(text: string): Owner | undefined {
  try {
    return JSON.parse(text) as Owner
  } catch {
    return undefined
  }
}

function numbers(folder: string): number[] {
  return readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function highest(folder: string): number {
  return Math.max(0, ...numbers(folder))
}

/** Makes the file with its contents, in one step, if there is none. */
function makeExclusively(folder: string, number: number, owner: Owner): boolean {
  const file = join(folder, String(number))
  const draft = writeDraft(folder, owner)
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'EEXIST') return false
    // File systems without hard links.
    if (code !== undefined && ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) {
      return writeExclusively(file, owner)
    }
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

function writeExclusively(file: string, owner: Owner): boolean {
  try {
    writeFileSync(file, JSON.stringify(owner), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EEXIST') return false
    throw error
  }
}

function replace(folder: string, number: number, owner: Owner): void {
  renameSync(writeDraft(folder, owner), join(folder, String(number)))
}

function writeDraft(folder: string, owner: Owner): string {
  const draft = join(folder, `draft-${process.pid}-${performance.now()}`)
  writeFileSync(draft, JSON.stringify(owner))
  return draft
}
