import {
  beginModelChange,
  ConflictError,
  connect,
  embeddingModel,
  embedPending,
  finishModelChange,
} from '../../src/index.ts'
import { stormEmbedders } from '../support/storm-embedders.ts'

/**
 * Changes the model of a database, to be killed at any moment and started again: `tsx model-change-worker.ts <url>
 * <model>`. Ends with status 0 when the change is through and every row in order.
 */
const [url = '', model = ''] = process.argv.slice(2)
const embedder = stormEmbedders.find((one) => one.model === model)
if (embedder === undefined) throw new Error(`no embedder for ${model}`)
const { db, close } = await connect({ kind: 'server', url }, { maxConnections: 4 })
for (;;) {
  try {
    if ((await embeddingModel(db)).name !== model) {
      await beginModelChange(db, { name: model, dimensions: embedder.dimensions })
      await embedPending(db, embedder, { batchSize: 200 })
    }
    if ((await finishModelChange(db, { batchSize: 200, embedder })).missed === 0) break
  } catch (error) {
    // Rows that were written meanwhile are pending again; an index that a killed process was building is still being built.
    if (!(error instanceof ConflictError)) throw error
  }
}
await close()
