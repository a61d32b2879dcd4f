import { sql } from 'drizzle-orm'
import { queryRows, toNumber } from '../../database/rows.ts'
import { searchDictionaryStatus } from '../../search/search-dictionary.ts'
import { count, counted } from '../format.ts'
import { type Check, ok, warning, wrong } from './finding.ts'

/** Writers fold every two thousand memories: so many entries of the log mean that nobody does. */
const longBacklog = 6000

export const backlogCheck: Check = {
  name: "statistics' log",
  async examine({ db, internal }) {
    // The planner's own figure: whoever may not read the table may know how large it is. Exact where one may read it.
    const [row] = await queryRows(
      db,
      sql`SELECT has_table_privilege(format('%I.search_log', ${internal}::text), 'SELECT') AS readable`,
    )
    if (row?.readable !== true) return ok('only its owner may read it')
    const [log] = await queryRows(
      db,
      sql`SELECT count(*) AS entries FROM ${sql.identifier(internal)}.search_log`,
    )
    const entries = toNumber(log?.entries)
    if (entries <= longBacklog) return ok(`${counted(entries, 'change')} to be folded in`)
    return warning(
      `${counted(entries, 'change')} are not folded in, and every search reads them`,
      'SELECT fold_search_statistics(), regularly where all writers are SERIALIZABLE or REPEATABLE READ; look for a prepared transaction that holds it up',
    )
  },
}

/** Both sides are read in one snapshot, so writers may go on. */
export const recountCheck: Check = {
  name: 'statistics',
  async examine({ db, internal, isQuick }) {
    if (isQuick) return ok('not recounted (--quick)')
    const [row] = await queryRows(
      db,
      sql`
        WITH counted AS MATERIALIZED (
          SELECT word, count(*) AS frequency
          FROM memory_items AS m CROSS JOIN LATERAL unnest(tsvector_to_array(m.search_vector)) AS word
          GROUP BY word
        ),
        kept AS MATERIALIZED (
          SELECT * FROM ${sql.identifier(internal)}.read_search_statistics(COALESCE((SELECT array_agg(word ORDER BY word) FROM counted), '{}'))
        ),
        compared AS (
          SELECT held.frequency IS DISTINCT FROM counted.frequency AS differs
          FROM (SELECT word, row_number() OVER (ORDER BY word) AS place, frequency FROM counted) AS counted
          JOIN (
            SELECT frequency, place FROM kept, unnest(kept.document_frequencies) WITH ORDINALITY AS one (frequency, place)
          ) AS held USING (place)
        )
        SELECT kept.documents, (SELECT count(*) FROM memory_items) AS real_documents,
          kept.total_length, (SELECT COALESCE(sum(lexeme_count), 0) FROM memory_items) AS real_length,
          (SELECT count(*) FILTER (WHERE differs) FROM compared) AS wrong, (SELECT count(*) FROM counted WHERE strpos(word, chr(1)) = 0) AS words
        FROM kept
      `,
    )
    const [documents, real, words, differing] = [
      row?.documents,
      row?.real_documents,
      row?.words,
      row?.wrong,
    ].map(toNumber)
    const hasSameLength = toNumber(row?.total_length) === toNumber(row?.real_length)
    if (documents === real && hasSameLength && differing === 0) {
      return ok(
        `equal a recount (${counted(real ?? 0, 'memory', 'memories')}, ${counted(words ?? 0, 'word')})`,
      )
    }
    return wrong(
      `differ from a recount: ${count(documents ?? 0)} memories instead of ${count(real ?? 0)}, ${counted(differing ?? 0, 'word')} counted wrong, so scores are wrong`,
      'SELECT rebuild_search_statistics()',
    )
  },
}

export const dictionaryCheck: Check = {
  name: 'dictionary',
  async examine({ db }) {
    const { isCurrent, indexedVersion, serverVersion, reindexedTo } = await searchDictionaryStatus(db)
    if (isCurrent) return ok(`memories are stored as PostgreSQL ${serverVersion} takes them apart`)
    const begun = reindexedTo === null ? '' : ' (a reindex is under way)'
    return wrong(
      `memories were stored by PostgreSQL ${indexedVersion}, and ${serverVersion} takes some words apart otherwise: searches miss them${begun}`,
      'opa-db reindex',
    )
  },
}
