import * as z from 'zod'

// Descriptions are read with every conversation: as short as they can be and still be understood.

/** Arguments that several tools take. */
export const namespace = z.string().optional()
export const tags = z.array(z.string()).optional()
export const metadata = z.record(z.string(), z.unknown()).optional()
export const time = (meaning: string) => z.string().optional().describe(`${meaning}, ISO 8601`)
export const limit = (byDefault: number, most: number) => z.int().min(1).max(most).default(byDefault)
export const memoryId = z.string()
export const jobId = z.string()
export const after = z.string().optional().describe('`next` of the page before')
export const next = z.string().nullable()
export const leftOut = z.int().optional()
