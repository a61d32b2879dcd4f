import { customType, doublePrecision, integer, pgTable, primaryKey, timestamp } from 'drizzle-orm/pg-core'

const identifier = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' })

/** What the jobs of a (queue, limit_key) may do at most; the key `*` is the rule of every key that has none of its own. */
export const jobLimits = pgTable(
  'job_limits',
  {
    queue: identifier('queue').notNull(),
    limitKey: identifier('limit_key').notNull(),
    /** At most so many running; null is any number. */
    maxRunning: integer('max_running'),
    /** At most so many started in `rate_period_seconds`, evenly spread but for `rate_burst`; null is any number. */
    rateLimit: doublePrecision('rate_limit'),
    ratePeriodSeconds: doublePrecision('rate_period_seconds'),
    /** So many may start at once after a rest. */
    rateBurst: integer('rate_burst'),
  },
  (table) => [primaryKey({ name: 'job_limits_pkey', columns: [table.queue, table.limitKey] })],
)

/** A rule for the jobs of a key. */
export type JobLimit = typeof jobLimits.$inferSelect

/**
 * One row for each limited key: whoever claims its jobs holds the row locked, so that counts are exact. `nextAt` is the
 * theoretical arrival time of GCRA: when the rate would have used up what was started so far.
 */
export const jobLimitStates = pgTable(
  'job_limit_states',
  {
    queue: identifier('queue').notNull(),
    limitKey: identifier('limit_key').notNull(),
    nextAt: timestamp('next_at', { withTimezone: true }),
  },
  (table) => [primaryKey({ name: 'job_limit_states_pkey', columns: [table.queue, table.limitKey] })],
)
