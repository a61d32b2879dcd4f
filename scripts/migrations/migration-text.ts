import { breakpoint, type Section, signatureOf } from './sections.ts'

/**
 * Where things are made, and where the functions find things when they run. Every migration begins in the schema of the
 * installation, the first of the migrating connection's search_path, and sets the path for itself from there:
 * - `schema`: tables, views and the functions of the API are made in the installation's schema;
 * - `internal`: everything else is made beside it. This is also the path of every function that a client calls or a
 *   trigger runs, the internal schema first, so that no object of somebody else's is taken for one of ours;
 * - `strict`: SECURITY DEFINER functions, those that compute columns and those that give rights find nothing but what is
 *   ours and PostgreSQL's own. Other files say so by a line `-- search_path: strict`. (The job
 *   functions need the installation's schema as well; only `grant_service` and `grant_worker` let others call them, where
 *   nobody else may create anything in it.)
 */
type Path = 'schema' | 'internal' | 'strict'

const start = `-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);`

const extensions = `(
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
)`
const own = `quote_ident(current_setting('opa.schema'))`
const beside = `quote_ident(current_setting('opa.schema') || '_opa')`

const paths: Record<Path, string> = {
  schema: `${own}, ${beside}, ${extensions}, 'pg_temp'`,
  internal: `${beside}, ${own}, ${extensions}, 'pg_temp'`,
  strict: `${beside}, 'pg_catalog', 'pg_temp'`,
}

function setPath(path: Path): string {
  return `-- path: ${path}\nSELECT set_config('search_path', concat_ws(', ', ${paths[path]}), true);`
}

/** The migration of tables as drizzle-kit wrote it, into any schema: it names public for enums alone. */
export function tablesText(written: string): string {
  return joined([start, setPath('schema'), `${written.replaceAll('"public".', '').trim()}`])
}

/** A custom migration. Bodies are not checked while functions are made, so that their files need no order among themselves. */
export function customText(sections: readonly (Section & { text: string })[]): string {
  const texts = [start, '-- path: checked when they run\nSET LOCAL check_function_bodies = off;']
  let current: Path | undefined
  const at = (path: Path) => {
    if (current !== path) texts.push(setPath(path))
    current = path
  }
  for (const section of sections) {
    at(pathOf(section))
    texts.push(section.text)
  }
  // They were made in the schema of the installation, and find things by the path of the others.
  const api = sections.filter((section) => isApi(section) && needsPath(section))
  if (api.length > 0)
    texts.push(
      setPath('internal'),
      `-- path: of the functions above\n${api.map(setPathOf).join(`\n${breakpoint}\n`)}`,
    )
  return joined(texts)
}

/** By its arguments: somebody else may have a function of the same name in the schema. */
function setPathOf(section: Section): string {
  const called = signatureOf(section)
  if (!isStrict(section)) return `ALTER FUNCTION ${called} SET search_path FROM CURRENT;`
  return `DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION %I.${called} SET search_path = %I, pg_catalog, pg_temp',
    current_setting('opa.schema'), current_setting('opa.schema') || '_opa');
END
$$;`
}

function pathOf(section: Section): Path {
  if (isApi(section) || /^src\/sql\/(extensions|.+\/views)\//.test(section.name)) return 'schema'
  return isStrict(section) ? 'strict' : 'internal'
}

function isApi({ name }: Section): boolean {
  return /^src\/sql\/.+\/api\//.test(name)
}

function isDefiner({ sql }: Section): boolean {
  return /^LANGUAGE .*\bSECURITY DEFINER\b/m.test(sql)
}

function isStrict({ name, sql }: Section): boolean {
  if (/^-- search_path: strict$/m.test(sql) || /^src\/sql\/columns\/[^/]+$/.test(name)) return true
  return isDefiner({ name, sql }) && !name.startsWith('src/sql/jobs/')
}

/** A function whose body was bound when it was made (RETURN) finds everything without a path, and can be inlined. */
function needsPath({ sql }: Section): boolean {
  return !/^SET search_path /m.test(sql) && !/^RETURN /m.test(sql)
}

function joined(texts: string[]): string {
  return `${texts.join(`\n${breakpoint}\n`)}\n`
}
