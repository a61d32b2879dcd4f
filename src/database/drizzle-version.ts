import * as core from 'drizzle-orm/pg-core'

/** Whether the drizzle-orm that is installed is 1.0 or newer, which names and prepares some things otherwise than 0.45. */
export const isDrizzle1 = 'PgAsyncDatabase' in core
