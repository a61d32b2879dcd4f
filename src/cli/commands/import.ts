import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { InvalidArgumentError } from 'commander'
import { collected, type Define } from '../command.ts'
import { withDatabase } from '../connection.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { embedWithProgress } from '../embed.ts'
import { embedderOf } from '../embedder-settings.ts'
import { CommandError, UsageError } from '../exit.ts'
import { fittingEmbedder } from '../fitting-embedder.ts'
import { counted, duration } from '../format.ts'
import { type Rest, readMapping } from '../transfer/fields.ts'
import { type ImportReport, importRecords } from '../transfer/import-records.ts'
import type { Format } from '../transfer/read-records.ts'
import { resumeFileOf } from '../transfer/resume-file.ts'

interface ImportOptions {
  readonly format?: Format
  readonly map?: string[]
  readonly rest: Rest
  readonly namespace?: string
  readonly rejects?: string
  readonly fromStart?: true
  readonly embed: boolean
  readonly vectors: boolean
}

const examples = `
A line (or, in CSV, a record below the header) is a memory: text, and where known id, namespace, tags, speaker_id,
metadata, embedding, importance, expires_at, created_at. What \`opa-db export\` wrote comes back as it was.
In CSV, tags are between semicolons or a JSON array; metadata and embedding are JSON.
What cannot be stored goes to a file with its reason, and the rest goes on: exit code 1.
Running it again stores nothing twice; after an interruption it goes on where it was.

Examples:
  opa-db import memories.jsonl
  opa-db import chats.csv --map text=message --map speaker_id=user --rest metadata --namespace chats
  opa-db export --data-dir .opa | opa-db import --url postgres://…`

export const defineImport: Define = (program, handler) => {
  program
    .command('import')
    .summary('memories from a file or standard input')
    .description('Imports memories from JSON lines or CSV.')
    .argument('[file]', 'the file; standard input by default, or with -', '-')
    .option('--format <format>', 'jsonl or csv; by the end of the name, else jsonl', formatOf)
    .option('--map <field=name>', "a memory's field and its name in the input; may be repeated", collected)
    .option('--rest <where>', 'fields that no memory has: refuse, metadata or ignore', restOf, 'refuse')
    .option('-n, --namespace <name>', 'for records that name none')
    .option('--rejects <file>', 'where what cannot be stored goes; FILE.rejected.jsonl by default')
    .option('--from-start', 'from the first record, also after an interruption')
    .option('--no-vectors', 'without the vectors that the input has')
    .option('--no-embed', 'leave vectors that are missing to `opa-db embed`')
    .addHelpText('after', examples)
    .action(handler<ImportOptions, [string]>(runImport))
}

async function runImport(
  context: Context,
  options: ImportOptions & GlobalOptions,
  file: string,
): Promise<number> {
  const isStdin = file === '-'
  if (isStdin && context.stdin.isTTY) {
    throw new UsageError('name a file, or give its content on standard input: opa-db import memories.jsonl')
  }
  const bytes = isStdin ? undefined : await sizeOf(file)
  const mapping = readMapping(options.map ?? [], options)
  const format = options.format ?? (/\.csv$/i.test(file) ? 'csv' : 'jsonl')
  const rejects = options.rejects ?? (isStdin ? 'opa-db-rejected.jsonl' : `${file}.rejected.jsonl`)
  // What is configured wrongly is said before anything is read.
  if (options.embed) embedderOf(context.environment)
  const started = performance.now()

  return withDatabase(
    context,
    options,
    async ({ db, location }) => {
      const database = location.kind === 'server' ? location.url : location.dataDir
      const resume = isStdin
        ? undefined
        : await resumeFileOf(file, database, [
            format,
            options.map,
            options.rest,
            options.namespace,
            options.schema,
          ])
      const input: Readable = isStdin ? context.stdin : createReadStream(file, { highWaterMark: 1 << 18 })
      const report = await importRecords(db, context, options, {
        input,
        bytes,
        format,
        mapping,
        rejects,
        resume,
        withVectors: options.vectors,
        isFromStart: options.fromStart === true,
      })
      await sayReport(context, options, report, (performance.now() - started) / 1000)
      if (report.isStopped) {
        await context.err.lines(
          resume
            ? `opa-db: stopped after ${counted(report.records, 'record')}. The same command goes on from there`
            : 'opa-db: stopped. The same input again stores nothing twice',
        )
        throw context.signal.reason
      }
      const embedder = options.embed ? await fittingEmbedder(db, context) : undefined
      const isEmbedded =
        embedder === undefined || (await embedWithProgress(db, context, options, embedder, {}))
      return report.rejected > 0 || !isEmbedded ? 1 : 0
    },
    { creates: true, stopsItself: true },
  )
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (cause) {
    throw new CommandError(`${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}

async function sayReport(
  { out, err }: Context,
  { json }: GlobalOptions,
  report: ImportReport,
  seconds: number,
): Promise<void> {
  const { created, updated, unchanged, rejected, passedOver, rejects } = report
  if (json) {
    await out.json({ created, updated, unchanged, rejected, seconds })
  } else {
    const known = [
      updated > 0 && `${counted(updated, 'brought up to date', 'brought up to date')}`,
      unchanged > 0 && `${counted(unchanged, 'known already', 'known already')}`,
    ]
    const parts = [
      `${counted(created, 'new memory', 'new memories')}`,
      ...known.filter((part) => part !== false),
    ]
    await out.lines(`imported ${parts.join(', ')} in ${duration(seconds)}`)
  }
  if (passedOver > 0)
    await err.lines(`went on after the first ${counted(passedOver, 'record')}, which an earlier run settled`)
  if (rejected > 0) await err.lines(`${counted(rejected, 'record')} could not be stored: see ${rejects}`)
}

function formatOf(value: string): Format {
  if (value !== 'jsonl' && value !== 'csv') throw new InvalidArgumentError('It must be jsonl or csv.')
  return value
}

function restOf(value: string): Rest {
  if (value !== 'refuse' && value !== 'metadata' && value !== 'ignore') {
    throw new InvalidArgumentError('It must be refuse, metadata or ignore.')
  }
  return value
}
