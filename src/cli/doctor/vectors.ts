import { sql } from 'drizzle-orm'
import { queryRows, toNumber } from '../../database/rows.ts'
import { vectorIndexHealth } from '../../vector-index/health.ts'
import { count, counted } from '../format.ts'
import { type Check, ok, warning, wrong } from './finding.ts'

export const vectorIndexCheck: Check = {
  name: 'vector index',
  async examine({ db, isQuick }) {
    const { method, valid, embeddings, recall, advice } = await vectorIndexHealth(db, {
      sample: isQuick ? 1 : 10,
    })
    const known = method === 'none' ? 'none: searches scan exactly' : method
    const found = recall === null ? '' : `, finds ${Math.round(recall * 1000) / 10} % of the nearest`
    const message = `${known}, ${counted(embeddings, 'vector')}${found}`
    if (!valid) return wrong(`${method}, not valid: searches do not use it`, advice[0] ?? 'build it anew')
    return advice.length === 0 ? ok(message) : advice.flatMap((one) => warning(message, one))
  },
}

export const pendingCheck: Check = {
  name: 'embeddings',
  async examine({ db, hasEmbedder }) {
    const [row] = await queryRows(
      db,
      sql`SELECT count(*) FILTER (WHERE embedding IS NULL) AS pending, count(embedding) AS embedded
        FROM memory_items WHERE expires_at IS NULL OR expires_at > now()`,
    )
    const pending = toNumber(row?.pending)
    const embedded = toNumber(row?.embedded)
    if (pending === 0) return ok(`${count(embedded)}, none is missing`)
    // Without vectors at all this is a keyword store, which is a choice and no fault.
    if (embedded === 0 && !hasEmbedder) return ok('none: searches go by keyword')
    return warning(
      `${counted(pending, 'memory is', 'memories are')} without a vector, found by keyword only`,
      hasEmbedder ? 'opa-db embed' : 'configure an embedder (opa-db help embed), then opa-db embed',
    )
  },
}
