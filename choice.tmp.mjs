import postgres from 'postgres'
import { readFileSync } from 'node:fs'
const url = process.argv[2], dims = Number(process.argv[3] ?? 384), n = Number(process.argv[4] ?? 12)
const sqlc = postgres(url, { max: 1, onnotice: () => {}, prepare: true })
const raw = new Int8Array(readFileSync('/work/shared/data/wiki100k/questions.i8'))
const queries = Array.from({ length: n }, (_, i) => { const v = Array.from(raw.subarray(i * 384, i * 384 + 384)); const full = Array.from({ length: dims / 384 }, () => v).flat(); const norm = Math.hypot(...full); return `[${full.map((x) => x / norm).join(',')}]` })
const V = 'CASE WHEN m.embedding_model = 1 THEN m.embedding WHEN m.next_embedding_model = 1 THEN m.next_embedding END'
const cond = (t) => t ? `(m.expires_at IS NULL OR m.expires_at > now()) AND m.tags && '{${t}}'::text[]` : '(m.expires_at IS NULL OR m.expires_at > now())'
const exact = (q, t) => sqlc.unsafe(`SELECT m.id, 1 - ((${V}) <=> $1::text::vector) AS similarity FROM memory_items AS m WHERE (${V}) IS NOT NULL AND ${cond(t)} ORDER BY similarity DESC, m.id COLLATE "C" LIMIT 10`, [q])
const index = (q, t) => sqlc.unsafe(`SELECT * FROM vector_index_rows($1::text::vector, NULL, $2::text, '{}', 10, '{}', 1, ${dims}, 'hnsw', 0)`, [q, cond(t)])
const search = (q, t) => sqlc.unsafe(`SELECT id, similarity FROM vector_search($1::text::vector, $2::text[], 10)`, [q, t ? [t] : []])
const time = async (f) => { const s = performance.now(); const r = await f(); return [performance.now() - s, r] }
const med = (a) => a.sort((x, y) => x - y)[a.length >> 1]
console.log('share  exact   index   search  ratio recall_index recall_search')
for (const t of ['p0.01', 'p0.1', 'p1', 'p5', 'p10', 'p50', null]) {
  const T = { e: [], i: [], s: [] }; let hit = 0, hits = 0, total = 0
  for (const q of queries) {
    let e = 1e9, i = 1e9, s = 1e9, re, ri, rs
    for (let k = 0; k < 3; k++) { let [d, r] = await time(() => exact(q, t)); e = Math.min(e, d); re = r; [d, r] = await time(() => index(q, t)); i = Math.min(i, d); ri = r; [d, r] = await time(() => search(q, t)); s = Math.min(s, d); rs = r }
    T.e.push(e); T.i.push(i); T.s.push(s)
    const ids = re.map((x) => x.id); total += ids.length; hit += ri.filter((x) => ids.includes(x.id)).length; hits += rs.filter((x) => ids.includes(x.id)).length
  }
  const [e, i, s] = [med(T.e), med(T.i), med(T.s)]
  console.log((t ?? '100').padEnd(6), e.toFixed(1).padStart(6), i.toFixed(1).padStart(7), s.toFixed(1).padStart(7), (s / Math.min(e, i)).toFixed(2).padStart(6), (hit / total).toFixed(3), (hits / total).toFixed(3))
}
await sqlc.end()
