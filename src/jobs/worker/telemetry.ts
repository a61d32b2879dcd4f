import { createHash } from 'node:crypto'
import type { Attributes, Context, Span, SpanContext } from '@opentelemetry/api'
import { ConfigurationError } from '../../errors.ts'
import type { Job } from '../../schema/jobs.ts'
import type { WorkerEventType } from './worker-event.ts'

/** The span of one attempt, and what is measured of it. */
export interface AttemptTelemetry {
  /** For jobs that this one enqueues: the W3C `traceparent` of the span. */
  readonly traceparent: string
  /** Calls the handler inside the span. */
  run<T>(call: () => T): T
  end(type: WorkerEventType, error?: unknown): void
}

export interface Telemetry {
  start(job: Job): AttemptTelemetry
}

type Api = typeof import('@opentelemetry/api')

async function loadApi(): Promise<Api> {
  try {
    return await import('@opentelemetry/api')
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new ConfigurationError('telemetry needs a package, install it: npm install @opentelemetry/api', {
      cause: error,
    })
  }
}

/**
 * Spans and metrics of a worker by the semantic conventions for messaging, through the API of OpenTelemetry alone: nothing
 * is sent unless the program has set up an SDK.
 *
 * @throws ConfigurationError if `@opentelemetry/api` is not installed.
 */
export async function openTelemetry(workerId: string): Promise<Telemetry> {
  const api = await loadApi()
  const tracer = api.trace.getTracer('opa-db')
  const meter = api.metrics.getMeter('opa-db')
  const instruments = {
    consumed: meter.createCounter('messaging.client.consumed.messages', {
      description: 'Attempts at jobs that were begun',
      unit: '{message}',
    }),
    duration: meter.createHistogram('messaging.process.duration', {
      description: 'From the call of the handler until the attempt was settled',
      unit: 's',
    }),
    waited: meter.createHistogram('opa_db.job.wait.duration', {
      description: 'From when a job was ready until it was claimed',
      unit: 's',
    }),
  }
  return {
    start(job) {
      const of: Attributes = {
        'messaging.system': 'opa_db',
        'messaging.destination.name': job.queue,
        'messaging.operation.name': 'process',
        'opa_db.job.intent': job.intent,
      }
      const parent = parentOf(job)
      const context: Context = parent ? api.trace.setSpanContext(api.ROOT_CONTEXT, parent) : api.ROOT_CONTEXT
      const options = {
        kind: api.SpanKind.CONSUMER,
        attributes: {
          ...of,
          'messaging.operation.type': 'process',
          'messaging.message.id': job.id,
          'messaging.client.id': workerId,
          'opa_db.job.attempt': job.attempt,
        },
      }
      const span = tracer.startSpan(`process ${job.queue}`, options, context)
      const begunAt = performance.now()
      instruments.consumed.add(1, of)
      if (job.startedAt) {
        const readyAt = Math.max(job.runAt.getTime(), job.createdAt.getTime())
        instruments.waited.record(Math.max(0, job.startedAt.getTime() - readyAt) / 1000, of)
      }
      return {
        traceparent: traceparentOf(span.spanContext()),
        run: (call) => api.context.with(api.trace.setSpan(context, span), call),
        end(type, error) {
          span.setAttribute('opa_db.job.outcome', type)
          const problem = errorType(type, error)
          if (problem !== undefined) {
            span.setAttribute('error.type', problem)
            span.setStatus({ code: api.SpanStatusCode.ERROR, ...messageOf(error) })
            if (error instanceof Error) recordSafely(span, error)
          }
          span.end()
          const seconds = (performance.now() - begunAt) / 1000
          instruments.duration.record(seconds, { ...of, ...(problem && { 'error.type': problem }) })
        },
      }
    },
  }
}

/**
 * The W3C `traceparent` of the span that is active here, to enqueue a job with: the spans of its attempts are then part of
 * the same trace. Undefined without one.
 *
 * @throws ConfigurationError if `@opentelemetry/api` is not installed.
 * @example
 * const traceId = await activeTraceparent()
 * await enqueue(db, { intent: 'summarise', ...(traceId && { traceId }) })
 */
export async function activeTraceparent(): Promise<string | undefined> {
  const api = await loadApi()
  const span = api.trace.getActiveSpan()?.spanContext()
  return span && api.isSpanContextValid(span) ? traceparentOf(span) : undefined
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/**
 * What the attempt is part of: a job's `traceId` is a traceparent, or the bare id of a trace (32 hex digits, with dashes or
 * without), whose span is then one of the job's own that nobody has recorded.
 */
function parentOf({ traceId, rootId, id }: Job): SpanContext | undefined {
  const full = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceId ?? '')
  if (full) {
    const [, trace = '', span = '', flags = '00'] = full
    return { traceId: trace, spanId: span, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  }
  const bare = traceId?.replaceAll('-', '').toLowerCase() ?? ''
  if (!/^[0-9a-f]{32}$/.test(bare) || /^0+$/.test(bare)) return undefined
  const spanId = createHash('sha256')
    .update(rootId ?? id)
    .digest('hex')
    .slice(0, 16)
  return { traceId: bare, spanId, traceFlags: 1, isRemote: true }
}

function errorType(type: WorkerEventType, error: unknown): string | undefined {
  if (type === 'lease_lost') return type
  if (type !== 'failed' && type !== 'retried') return undefined
  return error instanceof Error && typeof error.name === 'string' ? error.name : '_OTHER'
}

function messageOf(error: unknown): { message?: string } {
  return error instanceof Error && typeof error.message === 'string' ? { message: error.message } : {}
}

/** An error whose getters throw must not cost the job its settlement. */
function recordSafely(span: Span, error: Error): void {
  try {
    span.recordException(error)
  } catch {
    span.setAttribute('error.unreadable', true)
  }
}
