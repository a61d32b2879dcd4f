import { and, desc, eq, getTableColumns, inArray, type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import { builtRows } from '../../database/rows.ts'
import { api, inSchemaOf } from '../../database/schema-name.ts'
import { listJobs as readJobs } from '../../jobs/reading/list-jobs.ts'
import { jobStatus, jobs } from '../../schema/index.ts'
import { fitted } from './budget.ts'
import { after, limit, namespace, next } from './fields.ts'
import { jobIdsOf, jobInScope } from './job-scope.ts'
import { jobLines, jobView, jobViewOf, type ListedJob, listedColumns } from './job-view.ts'
import { defineTool, namespaceOf, type ToolContext } from './tool.ts'
import { counted } from './view.ts'

/** Characters of one document of a job in a list. */
const charactersOfDocument = 600

export const listJobs = defineTool({
  name: 'list_jobs',
  description: 'List jobs, newest first. Status waiting: they need an answer, see answer_job.',
  readOnly: true,
  input: z.strictObject({
    namespace,
    statuses: z.array(z.enum(jobStatus.enumValues)).min(1).optional(),
    queue: z.string().optional(),
    intent: z.string().optional(),
    limit: limit(20, 50),
    after,
  }),
  output: z.object({ jobs: z.array(jobView), next }),
  async run(context, input) {
    const rows = await page(context, input)
    const more = rows.length > input.limit
    const items = rows.slice(0, input.limit)
    return fitted(items.length, (shown, characters) => {
      const next = more || shown < items.length ? (items[shown - 1]?.id ?? null) : null
      const head = items.length === 0 ? 'No jobs.' : `${counted(shown, 'job', 'jobs')}, newest first:`
      const end = next === null ? 'That is all.' : `There are more: call again with after "${next}".`
      const views = items
        .slice(0, shown)
        .map((job) => jobViewOf(job, Math.min(characters, charactersOfDocument)))
      return {
        text: [head, ...views.map(jobLines), ...(items.length === 0 ? [] : [end])].join('\n'),
        data: { jobs: views, next },
      }
    }).answer
  },
})

/** The same columns for Drizzle's select. */
const listed = Object.fromEntries(
  Object.entries(getTableColumns(jobs)).filter(([name]) =>
    (listedColumns as readonly string[]).includes(name),
  ),
) as Pick<(typeof jobs)['_']['columns'], (typeof listedColumns)[number]>

type Input = z.output<typeof listJobs.input>

/** One row more than the page has, if there is one. */
async function page(context: ToolContext, input: Input): Promise<readonly ListedJob[]> {
  const { statuses, queue, intent, after, limit } = input
  const { namespace } = namespaceOf(context, input)
  if (namespace !== undefined) return pageOfNamespace(context, namespace, input)
  const { items } = await readJobs(context.db, {
    ...(statuses && { statuses }),
    ...(queue !== undefined && { queue }),
    ...(intent !== undefined && { intent }),
    ...(after !== undefined && { after }),
    limit: limit + 1,
    columns: listedColumns,
  })
  return items
}

async function pageOfNamespace(
  context: ToolContext,
  namespace: string,
  { statuses, queue, intent, after, limit }: Input,
): Promise<ListedJob[]> {
  const conditions: (SQL | undefined)[] = [
    sql`${jobs.id} IN (${jobIdsOf(context.db, namespace)})`,
    statuses && inArray(jobs.status, statuses),
    queue === undefined ? undefined : eq(jobs.queue, queue),
    intent === undefined ? undefined : eq(jobs.intent, intent),
  ]
  if (after !== undefined) {
    const { id } = await jobInScope(context, { job_id: after, namespace })
    conditions.push(
      sql`(${jobs.createdAt}, ${jobs.id}) < (SELECT last.created_at, last.id FROM ${api(context.db)}jobs AS last WHERE last.id = ${id}::text)`,
    )
  }
  return builtRows(() =>
    context.db
      .select(listed)
      .from(inSchemaOf(context.db, jobs))
      .where(and(...conditions))
      .orderBy(desc(jobs.createdAt), desc(jobs.id))
      .limit(limit + 1),
  )
}
