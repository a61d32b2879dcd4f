import { createHash } from 'node:crypto'
import { and, arrayOverlaps, eq, sql } from 'drizzle-orm'
import { checkText, longestText } from '../../database/check.ts'
import type { Database } from '../../database/database.ts'
import { builtRows, translatingErrors } from '../../database/rows.ts'
import { inSchemaOf } from '../../database/schema-name.ts'
import { InvalidInputError } from '../../errors.ts'
import { memoryItems } from '../../schema/memory-items.ts'
import { textArraySql } from '../../search/search-filter.ts'
import { ancestorsOf, isBelow, root } from './paths.ts'

// A file is a row of memory_items: its text is the content, its metadata has the path, its tags are the directories that
// it lies in. So searches find files like any other memory, and a search with a directory as a tag keeps to it. The id is
// made of namespace and path, so that no two rows are the same file.
//
// A memory cannot be empty and a directory has no text: both are kept in one more row of the namespace, which has expired
// since it was written, so that no search finds it. Should somebody prune it, empty files and empty directories are gone.

/** A namespace's files, inside a transaction that keeps other writers of the same files out. */
export interface Files {
  read(path: string): Promise<string | null>
  isDirectory(path: string): Promise<boolean>
  /** Everything below a directory, with sizes in bytes; null for a directory. */
  below(directory: string): Promise<{ path: string; bytes: number | null }[]>
  write(path: string, content: string): Promise<void>
  /** Makes the directory and those that it lies in. */
  makeDirectory(path: string): Promise<void>
  /** Removes a file, or a directory with all that is in it. */
  remove(path: string): Promise<void>
  /** Gives a file, or a directory with all that is in it, another path. Nothing may be there. */
  move(from: string, to: string): Promise<void>
}

/** What has no row of its own. */
interface Rest {
  directories: string[]
  emptyFiles: string[]
}

/** Runs reads and writes of files as one transaction, the only one at a time for this namespace. */
export async function withFiles<T>(
  db: Database,
  namespace: string,
  work: (files: Files) => Promise<T>,
): Promise<T> {
  return translatingErrors(() =>
    db.transaction(async (transaction) => {
      await transaction.execute(
        sql`SELECT pg_advisory_xact_lock(hashtextextended(${`opa-db memory files ${namespace}`}::text, 0))`,
      )
      return work(filesOf(transaction, namespace))
    }),
  )
}

function filesOf(db: Database, namespace: string): Files {
  const table = inSchemaOf(db, memoryItems)
  const ofNamespace = eq(memoryItems.namespace, namespace)
  const rest = restOf(db, namespace)

  async function rowsBelow(directory: string) {
    const rows = await builtRows(() =>
      db
        .select({
          id: memoryItems.id,
          path: sql<string>`${memoryItems.metadata} ->> 'path'`,
          bytes: sql<number>`octet_length(${memoryItems.text})`,
        })
        .from(table)
        .where(and(ofNamespace, arrayOverlaps(memoryItems.tags, textArraySql([directory], 'directory')))),
    )
    // A tag alone may be on a memory that is no file.
    return rows.filter(({ id, path }) => path !== null && id === fileId(namespace, path))
  }

  async function removeRow(path: string) {
    await db.delete(table).where(and(ofNamespace, eq(memoryItems.id, fileId(namespace, path))))
  }

  const files: Files = {
    async read(path) {
      if ((await rest.read()).emptyFiles.includes(path)) return ''
      const [row] = await builtRows(() =>
        db
          .select({ text: memoryItems.text })
          .from(table)
          .where(and(ofNamespace, eq(memoryItems.id, fileId(namespace, path)))),
      )
      return row?.text ?? null
    },

    async isDirectory(path) {
      if (path === root) return true
      const { directories, emptyFiles } = await rest.read()
      if (directories.includes(path) || emptyFiles.some((file) => isBelow(file, path))) return true
      return (await rowsBelow(path)).length > 0
    },

    async below(directory) {
      const { directories, emptyFiles } = await rest.read()
      const rows = await rowsBelow(directory)
      const known = new Set([
        ...directories,
        ...[...rows.map(({ path }) => path), ...emptyFiles].flatMap(ancestorsOf),
      ])
      return [
        ...rows.map(({ path, bytes }) => ({ path, bytes: Number(bytes) })),
        ...emptyFiles.map((path) => ({ path, bytes: 0 })),
        ...[...known].map((path) => ({ path, bytes: null })),
      ].filter(({ path }) => isBelow(path, directory))
    },

    async write(path, content) {
      if (content === '') {
        await removeRow(path)
        await rest.change(({ directories, emptyFiles }) => ({
          directories,
          emptyFiles: [...new Set([...emptyFiles, path])],
        }))
        return
      }
      checkContent(path, content)
      await db
        .insert(table)
        .values({
          id: fileId(namespace, path),
          namespace,
          text: content,
          tags: ancestorsOf(path),
          metadata: { path },
        })
        .onConflictDoUpdate({
          target: memoryItems.id,
          set: {
            text: content,
            // The vector of another text would be wrong.
            embedding: sql`CASE WHEN ${memoryItems.text} = excluded.text THEN ${memoryItems.embedding} END`,
          },
          setWhere: ofNamespace,
        })
      await rest.change(({ directories, emptyFiles }) => ({
        directories,
        emptyFiles: emptyFiles.filter((file) => file !== path),
      }))
    },

    async makeDirectory(path) {
      const made = [...ancestorsOf(path), path].filter((directory) => directory !== root)
      await rest.change(({ directories, emptyFiles }) => ({
        directories: [...new Set([...directories, ...made])],
        emptyFiles,
      }))
    },

    async remove(path) {
      for (const { path: file } of await rowsBelow(path)) await removeRow(file)
      await removeRow(path)
      const stays = (other: string) => other !== path && !isBelow(other, path)
      await rest.change(({ directories, emptyFiles }) => ({
        directories: directories.filter(stays),
        emptyFiles: emptyFiles.filter(stays),
      }))
    },

    async move(from, to) {
      const moved = (path: string) =>
        path === from || isBelow(path, from) ? to + path.slice(from.length) : path
      for (const path of [from, ...(await rowsBelow(from)).map((row) => row.path)]) {
        const target = moved(path)
        await db
          .update(table)
          .set({
            id: fileId(namespace, target),
            tags: ancestorsOf(target),
            metadata: sql`${memoryItems.metadata} || jsonb_build_object('path', ${target}::text)`,
          })
          .where(and(ofNamespace, eq(memoryItems.id, fileId(namespace, path))))
      }
      await rest.change(({ directories, emptyFiles }) => ({
        directories: directories.map(moved),
        emptyFiles: emptyFiles.map(moved),
      }))
    },
  }
  return files
}

/** The row of what has no row of its own; read once a transaction and written only where something changed. */
function restOf(db: Database, namespace: string) {
  const id = `memory-files:${hash(namespace)}`
  const table = inSchemaOf(db, memoryItems)
  let current: Rest | undefined
  const rest = {
    async read(): Promise<Rest> {
      if (current !== undefined) return current
      const [row] = await builtRows(() =>
        db
          .select({ metadata: memoryItems.metadata })
          .from(table)
          .where(and(eq(memoryItems.namespace, namespace), eq(memoryItems.id, id))),
      )
      current = {
        directories: textsOf(row?.metadata.directories),
        emptyFiles: textsOf(row?.metadata.emptyFiles),
      }
      return current
    },
    async change(to: (rest: Rest) => Rest): Promise<void> {
      const before = await rest.read()
      const metadata = { ...to(before) }
      if (JSON.stringify(metadata) === JSON.stringify(before)) return
      current = metadata
      await db
        .insert(table)
        .values({ id, namespace, text: id, metadata, expiresAt: sql`'-infinity'::timestamptz` })
        .onConflictDoUpdate({ target: memoryItems.id, set: { metadata } })
    },
  }
  return rest
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : []
}

function checkContent(path: string, content: string): void {
  checkText(content, `the content of ${path}`)
  const bytes = Buffer.byteLength(content)
  if (bytes <= longestText) return
  throw new InvalidInputError(
    `The file ${path} would have ${bytes} bytes, and a memory file holds at most ${longestText}. Please split it into several files.`,
  )
}

/** Not the form of a hash alone, which under row-level security is reserved for ids made of a memory's text. */
function fileId(namespace: string, path: string): string {
  return `memory-file:${hash(namespace, path)}`
}

function hash(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
