import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type SQL, sql } from 'drizzle-orm'
import { connect } from '../../src/database/connect.ts'
import type { Database } from '../../src/database/database.ts'
import { migrate } from '../../src/database/migrate.ts'
import { queryRows } from '../../src/database/rows.ts'
import { internalSchema } from '../../src/database/schema-name.ts'

/** The catalog of a migrated database, as people read it in review. */
export const goldenFile = fileURLToPath(new URL('../../test/golden/catalog.txt', import.meta.url))

/** Migrates an empty embedded database and writes what came of it. */
export async function writeGoldenCatalog(): Promise<string> {
  const { db, close } = await connect({ kind: 'embedded', dataDir: 'memory://' })
  try {
    await migrate(db)
    writeFileSync(goldenFile, await readCatalog(db))
    return goldenFile
  } finally {
    await close()
  }
}

/**
 * What is in an installation's two schemas and not an extension's: enums, tables with columns, storage, indexes,
 * constraints and triggers, views, functions with their bodies and settings, and whether everybody may use them. The same
 * text on every supported version of PostgreSQL and in every schema, written as if it were public.
 */
export async function readCatalog(
  db: Database,
  { schema = 'public', extensions = 'public' }: { schema?: string; extensions?: string } = {},
): Promise<string> {
  const schemas = sql`ANY (ARRAY[${schema}::text, ${internalSchema(schema)}::text]::regnamespace[])`
  const parts = await db.transaction(async (transaction) => {
    // With nothing in the path PostgreSQL prints every name with its schema.
    await transaction.execute(sql`SELECT set_config('search_path', '', true)`)
    return [
      '-- The catalog that the migrations make. Rewritten by: npm run db:golden',
      ...(await lines(transaction, extensionsQuery)),
      ...(await lines(transaction, enums(schemas))),
      ...(await lines(transaction, tables(schemas))),
      ...(await lines(transaction, views(schemas))),
      ...(await lines(transaction, functions(schemas))),
    ]
  })
  const renamed = [
    [internalSchema(schema), 'public_opa'],
    [schema, 'public'],
    [extensions, 'public'],
  ] as const
  const text = renamed.reduce(
    // As a name of its own in a path, or before what lies in it; not in a setting's name: 'opa.embedding_model'.
    (all, [from, to]) => all.replaceAll(new RegExp(`(?<=')${from}(?=')|(?<![\\w'])${from}(?=\\.)`, 'g'), to),
    parts.join('\n\n'),
  )
  // A path that names the extensions' schema as well names public once.
  return `${text.replaceAll("'public', 'public'", "'public'")}\n`
}

async function lines(db: Database, query: SQL): Promise<string[]> {
  return (await queryRows(db, query)).map((row) => String(row.line).replace(/[ \t]+$/gm, ''))
}

const extensionsQuery = sql`
  SELECT 'EXTENSION ' || extname AS line FROM pg_extension WHERE extname IN ('vector', 'pg_trgm') ORDER BY extname
`

const enums = (schemas: SQL) => sql`
  SELECT format('ENUM %s (%s)', t.oid::regtype, string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)) AS line
  FROM pg_type AS t JOIN pg_enum AS e ON e.enumtypid = t.oid
  WHERE t.typnamespace = ${schemas}
  GROUP BY t.oid, t.typname ORDER BY t.typname COLLATE "C"
`

// NOT NULL is told with the column: PostgreSQL 18 lists it among the constraints as well.
const tables = (schemas: SQL) => sql`
  SELECT concat_ws(E'\n',
    format('TABLE %s%s%s', c.oid::regclass, ' WITH (' || array_to_string(c.reloptions, ', ') || ')',
      CASE WHEN has_table_privilege('public', c.oid, 'SELECT') THEN ' -- everybody may read' END),
    (
      SELECT string_agg(concat_ws(' ', '  COLUMN', a.attname, format_type(a.atttypid, a.atttypmod),
        (SELECT 'COLLATE "' || o.collname || '"' FROM pg_collation AS o WHERE o.oid = a.attcollation AND o.collname <> 'default'),
        CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        CASE WHEN a.attgenerated = 's' THEN 'GENERATED' WHEN d.adbin IS NOT NULL THEN 'DEFAULT' END,
        CASE WHEN a.attidentity <> '' THEN 'IDENTITY' END,
        pg_get_expr(d.adbin, d.adrelid),
        CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE ' || a.attstorage::text END), E'\n' ORDER BY a.attnum)
      FROM pg_attribute AS a
      JOIN pg_type AS t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ),
    (
      SELECT string_agg(format('  CONSTRAINT %s %s', o.conname, pg_get_constraintdef(o.oid)), E'\n' ORDER BY o.conname COLLATE "C")
      FROM pg_constraint AS o WHERE o.conrelid = c.oid AND o.contype NOT IN ('n', 't')
    ),
    (
      SELECT string_agg('  ' || pg_get_indexdef(i.indexrelid), E'\n' ORDER BY r.relname COLLATE "C")
      FROM pg_index AS i JOIN pg_class AS r ON r.oid = i.indexrelid WHERE i.indrelid = c.oid
    ),
    (
      SELECT string_agg('  ' || pg_get_triggerdef(g.oid), E'\n' ORDER BY g.tgname COLLATE "C")
      FROM pg_trigger AS g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal
    )
  ) AS line
  FROM pg_class AS c
  WHERE c.relnamespace = ${schemas} AND c.relkind = 'r' AND c.relname <> 'migrations'
  ORDER BY c.relname COLLATE "C"
`

// Columns only: how PostgreSQL prints a view's query differs between versions, and the drift check compares its source.
const views = (schemas: SQL) => sql`
  SELECT concat_ws(E'\n', 'VIEW ' || c.oid::regclass,
    (SELECT string_agg(format('  COLUMN %s %s', a.attname, format_type(a.atttypid, a.atttypmod)), E'\n' ORDER BY a.attnum)
     FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0)) AS line
  FROM pg_class AS c
  WHERE c.relnamespace = ${schemas} AND c.relkind = 'v'
  ORDER BY c.relname COLLATE "C"
`

const functions = (schemas: SQL) => sql`
  SELECT concat_ws(E'\n',
    CASE WHEN NOT has_function_privilege('public', p.oid, 'EXECUTE') THEN '-- not for everybody' END,
    pg_get_functiondef(p.oid)) AS line
  FROM pg_proc AS p
  WHERE p.pronamespace = ${schemas}
    AND NOT EXISTS (
      SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
  ORDER BY p.proname COLLATE "C", p.oid::regprocedure::text COLLATE "C"
`
