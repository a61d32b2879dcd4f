import { appendFile, rm, stat, truncate } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Database } from '../../database/database.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { Progress } from '../progress.ts'
import { modelAdopter } from './adopt-model.ts'
import type { Mapping } from './fields.ts'
import { type Format, type Read, readRecords } from './read-records.ts'
import { type ResumeFile, type ResumeState, readResume, removeResume, writeResume } from './resume-file.ts'
import { type Rejected, storeRecords } from './store-records.ts'

export interface ImportInput {
  readonly input: Readable
  /** How many bytes it has, where that is known. */
  readonly bytes: number | undefined
  readonly format: Format
  readonly mapping: Mapping
  /** The file for what cannot be stored. It is made with its first line. */
  readonly rejects: string
  readonly resume: ResumeFile | undefined
  /** False leaves out the vectors that the input has. */
  readonly withVectors: boolean
  /** Whether what an interrupted run left is ignored. */
  readonly isFromStart: boolean
}

export interface ImportReport {
  /** Records that are settled, by this run or an interrupted one before it. */
  records: number
  created: number
  updated: number
  unchanged: number
  rejected: number
  /** Of `records`, those that an interrupted run had settled. */
  readonly passedOver: number
  readonly rejects: string
  /** Ended by `context.signal`, after whole groups. */
  isStopped: boolean
}

/** Records that are stored together, at most: so many, or so many bytes of input. */
const recordsInGroup = 4000
const bytesInGroup = 4_000_000
/** Ids that are kept to see whether the database is still the same. */
const idsKept = 16

/** Imports records in groups, reading the next while one is stored. Its memory does not grow with the input. */
export async function importRecords(
  db: Database,
  context: Context,
  options: GlobalOptions,
  { input, bytes, format, mapping, rejects, resume, withVectors, isFromStart }: ImportInput,
): Promise<ImportReport> {
  const earlier = resume && !isFromStart ? await readResume(db, resume) : undefined
  const report: ImportReport = {
    records: earlier?.records ?? 0,
    created: earlier?.created ?? 0,
    updated: earlier?.updated ?? 0,
    unchanged: earlier?.unchanged ?? 0,
    rejected: earlier?.rejected ?? 0,
    passedOver: earlier?.records ?? 0,
    rejects,
    isStopped: false,
  }
  let ids = earlier?.ids ?? []
  await startRejects(rejects, earlier)
  const progress = new Progress(context, options, 'records')
  const adoptModel = modelAdopter(db)

  const settle = async (group: readonly Read[]): Promise<void> => {
    if (withVectors) await adoptModel(group)
    const { stored, rejected, id } = await storeRecords(db, group, withVectors)
    await writeRejects(rejects, rejected)
    report.records += group.length
    report.created += stored.created
    report.updated += stored.updated
    report.unchanged += stored.unchanged
    report.rejected += rejected.length
    if (id !== undefined) ids = [...ids.slice(0, 1), ...ids.slice(1).slice(-(idsKept - 2)), id]
    const { passedOver: _, rejects: __, isStopped: ___, ...counts } = report
    if (resume) {
      await writeResume(resume, { of: resume.of, ...counts, ids, rejectsBytes: await sizeOf(rejects) })
    }
    const end = group.at(-1)?.end ?? 0
    progress.update(
      report.records - report.passedOver,
      bytes === undefined ? undefined : end / Math.max(1, bytes),
    )
  }

  const stop = () => input.destroy()
  context.signal.addEventListener('abort', stop, { once: true })
  if (context.signal.aborted) stop()
  let settling: Promise<void> = Promise.resolve()
  try {
    for await (const group of groupsOf(readRecords(input, format, mapping), report.passedOver)) {
      await settling
      settling = settle(group)
      // Awaited above or below; until then its failure is nobody's.
      settling.catch(() => {})
      if (context.signal.aborted) break
    }
    await settling
    report.isStopped = context.signal.aborted
  } catch (error) {
    await settling.catch(() => {})
    // A destroyed input is what stopping looks like from here.
    if (!context.signal.aborted) throw error
    report.isStopped = true
  } finally {
    context.signal.removeEventListener('abort', stop)
    progress.end()
  }
  if (resume && !report.isStopped) await removeResume(resume)
  return report
}

/** Groups to be stored together, without the first records, which are settled. */
async function* groupsOf(records: AsyncIterable<Read[]>, passedOver: number): AsyncGenerator<Read[]> {
  let left = passedOver
  let group: Read[] = []
  let size = 0
  for await (const some of records) {
    for (const record of some) {
      if (left > 0) {
        left -= 1
        continue
      }
      group.push(record)
      size += record.input.length
      if (group.length === recordsInGroup || size >= bytesInGroup) {
        yield group
        group = []
        size = 0
      }
    }
  }
  if (group.length > 0) yield group
}

/** The file of an earlier import goes; that of an interrupted run is cut to what its records had. */
async function startRejects(path: string, earlier: ResumeState | undefined): Promise<void> {
  if (earlier === undefined) await rm(path, { force: true })
  else if ((await sizeOf(path)) > earlier.rejectsBytes) await truncate(path, earlier.rejectsBytes)
}

async function writeRejects(path: string, rejected: readonly Rejected[]): Promise<void> {
  if (rejected.length === 0) return
  await appendFile(path, `${rejected.map((one) => JSON.stringify(one)).join('\n')}\n`)
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}
