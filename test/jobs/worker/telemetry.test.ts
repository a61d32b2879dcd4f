import { context, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { activeTraceparent, enqueue, listJobs, waitForJob } from '../../../src/index.ts'
import { describeOnEachBackend } from '../../support/backends.ts'
import { uniqueName } from '../fixtures.ts'
import { workerStarter } from '../workers.ts'

describeOnEachBackend('telemetry of a worker', (test) => {
  const { start, workers } = workerStarter(test)
  const spans = new InMemorySpanExporter()
  const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 })

  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
    )
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  })
  beforeEach(() => spans.reset())
  afterAll(() => {
    context.disable()
    trace.disable()
    metrics.disable()
  })

  it('makes a span of each attempt, in the trace that enqueued the job, and of its children', async () => {
    const queue = uniqueName()
    const tracer = trace.getTracer('test')
    const { id, traceId } = await tracer.startActiveSpan('request', async (span) => {
      const parent = await activeTraceparent()
      const job = await enqueue(test.db, {
        intent: 'parent',
        queue,
        backoffSeconds: 0.01,
        ...(parent && { traceId: parent }),
      })
      span.end()
      return { id: job.id, traceId: span.spanContext().traceId }
    })
    start(
      {
        parent: async ({ attempt }, { enqueueChildren }) => {
          if (attempt === 1) throw new TypeError('again')
          await tracer.startActiveSpan('inside', async (span) => span.end())
          await enqueueChildren([{ intent: 'child', queue }])
        },
        child: () => 1,
      },
      { queue, workerId: 'w', telemetry: true, onError: () => {} },
    )
    await waitForJob(test.db, { id, timeout: 20 })
    const [child] = (await listJobs(test.db, { parentId: id })).items
    await waitForJob(test.db, { id: child?.id ?? '', timeout: 20 })
    await workers[0]?.stop()

    const finished = spans.getFinishedSpans()
    const attempts = finished.filter(({ name }) => name === `process ${queue}`)
    expect(finished.every((span) => span.spanContext().traceId === traceId)).toBe(true)
    const request = finished.find(({ name }) => name === 'request')
    const [first, second, third] = attempts
    expect(attempts).toHaveLength(3)
    expect(first).toMatchObject({
      kind: SpanKind.CONSUMER,
      status: { code: SpanStatusCode.ERROR, message: 'again' },
      attributes: {
        'messaging.system': 'opa_db',
        'messaging.destination.name': queue,
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.message.id': id,
        'messaging.client.id': 'w',
        'opa_db.job.intent': 'parent',
        'opa_db.job.attempt': 1,
        'opa_db.job.outcome': 'retried',
        'error.type': 'TypeError',
      },
      events: [{ name: 'exception' }],
    })
    expect(second).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'opa_db.job.attempt': 2, 'opa_db.job.outcome': 'completed' },
    })
    expect(first?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
    const inside = finished.find(({ name }) => name === 'inside')
    expect(inside?.parentSpanContext?.spanId).toBe(second?.spanContext().spanId)
    expect(third?.parentSpanContext?.spanId).toBe(second?.spanContext().spanId)
  })

  it('goes on with the bare id of a trace, and begins one where there is none', async () => {
    const queue = uniqueName()
    const known = '0af76519-16cd-43dd-8448-eb211c80319c'
    for (const traceId of [known, 'not a trace', undefined])
      await enqueue(test.db, { intent: 'a', queue, ...(traceId && { traceId }) })
    start({ a: () => 1 }, { queue, telemetry: true })
    await expect.poll(() => spans.getFinishedSpans().length, { timeout: 20_000 }).toBe(3)
    const ids = spans.getFinishedSpans().map((span) => span.spanContext().traceId)
    expect(ids).toContain(known.replaceAll('-', ''))
    expect(new Set(ids).size).toBe(3)
    expect(await activeTraceparent()).toBeUndefined()
  })

  it('measures by the names of the semantic conventions', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'a', queue, maxAttempts: 1 })
    start(
      {
        a: () => {
          throw new RangeError('far')
        },
      },
      { queue, telemetry: true, onError: () => {} },
    )
    await waitForJob(test.db, { id, timeout: 20 })
    await workers[0]?.stop()
    await reader.forceFlush()
    const all = measured
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    const of = (name: string) =>
      all
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ descriptor, dataPoints }) =>
          dataPoints
            .filter(({ attributes }) => attributes['messaging.destination.name'] === queue)
            .map(({ attributes, value }) => ({ unit: descriptor.unit, attributes, value })),
        )
        .at(-1)
    expect(of('messaging.client.consumed.messages')).toMatchObject({ unit: '{message}', value: 1 })
    expect(of('messaging.process.duration')).toMatchObject({
      unit: 's',
      value: { count: 1 },
      attributes: { 'messaging.system': 'opa_db', 'error.type': 'RangeError' },
    })
    expect(of('opa_db.job.wait.duration')).toMatchObject({ unit: 's', value: { count: 1 } })
  })
})
