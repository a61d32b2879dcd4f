import type { BenchOptions } from './bench.ts'
import { installPeers, type JobCounts, type Peers } from './jobs-peers.ts'
import type { JobRates, Rate } from './jobs-rates.ts'
import { describeMachine, printMachine } from './machine.ts'
import { type Chart, page } from './plot.ts'
import { printTable, resultFile, writeResult } from './report.ts'
import { withBenchDatabase } from './wiki-database.ts'

const counts: JobCounts = { batchJobs: 64_000, singleJobs: 8000 }
const rounds = 5
const names = ['opa-db', 'pg-boss', 'graphile-worker'] as const
type Name = (typeof names)[number]
const ways = ['batches', 'fresh', 'whole', 'large', 'single', 'joined', 'worker'] as const
type Way = (typeof ways)[number]
const wayTitles: Readonly<Record<Way, string>> = {
  batches: 'batches of 500',
  fresh: 'of 500, never analysed',
  whole: 'of 500, all columns',
  large: 'batches of 4,000',
  single: 'one by one',
  joined: 'in one call',
  worker: 'own worker, 8 at once',
}
/** What each peer is compared by: pg-boss in batches and by calls, graphile-worker in batches and by its worker. */
const compared: readonly (readonly [Name, Way, Way])[] = [
  ['pg-boss', 'batches', 'batches'],
  ['pg-boss', 'fresh', 'fresh'],
  ['pg-boss', 'whole', 'batches'],
  ['graphile-worker', 'batches', 'batches'],
  ['graphile-worker', 'fresh', 'fresh'],
  ['graphile-worker', 'large', 'large'],
  ['pg-boss', 'single', 'single'],
  ['pg-boss', 'joined', 'single'],
  ['graphile-worker', 'single', 'worker'],
  ['graphile-worker', 'joined', 'worker'],
  ['graphile-worker', 'worker', 'worker'],
]

/**
 * `npm run bench -- jobs`: enqueue, and claim + complete, in batches and one at a time, beside pg-boss and graphile-worker on
 * the same server in the same run.
 */
export async function run({ out }: BenchOptions): Promise<void> {
  const peers = await installPeers()
  try {
    const measured = await measureRounds(peers)
    const rates = {} as Record<Name, JobRates>
    for (const name of names) rates[name] = medianRates(measured.map((round) => round[name]))
    const machine = await withBenchDatabase(({ db }) => describeMachine(db))
    const result = {
      machine,
      versions: peers.versions,
      ...counts,
      rounds: measured,
      rates,
    }
    printMachine(machine)
    for (const what of ['enqueue', 'settle'] as const) {
      printTable(
        [
          `${what === 'settle' ? 'claim + complete' : what}, jobs in a second`,
          ...ways.map((way) => wayTitles[way]),
        ],
        names.map((name) => [name, ...ways.map((way) => shown(rates[name][way]?.[what], 0))]),
      )
    }
    printTable(
      ['opa-db', 'against', 'times', 'least', 'most'],
      compared.map(([peer, own, its]) => [
        wayTitles[own],
        `${peer}, ${wayTitles[its]}`,
        ...ratios(measured, peer, own, its).map((each) => shown(each, 2)),
      ]),
    )
    const file = out ?? resultFile('jobs', 'json')
    writeResult(file, `${JSON.stringify(result, null, 2)}\n`)
    writeResult(file.replace(/\.json$/, '.svg'), page('Jobs', charts(rates)))
  } finally {
    await peers.remove()
  }
}

/** The median of the rounds' ratios, the least and the most: what else the machine does in a round meets both sides. */
function ratios(
  all: readonly Record<Name, JobRates>[],
  peer: Name,
  own: Way,
  its: Way,
): (number | undefined)[] {
  const each = all
    .flatMap((round) => {
      const [ours, theirs] = [round['opa-db'][own], round[peer][its]]
      return ours && theirs ? [ours.settle / theirs.settle] : []
    })
    .sort((one, other) => one - other)
  return [each[each.length >> 1], each[0], each.at(-1)]
}

function shown(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : value.toFixed(digits)
}

/** Every peer in turn, several times over, so that what the machine does meanwhile meets all of them. */
async function measureRounds(peers: Peers): Promise<Record<Name, JobRates>[]> {
  const all: Record<Name, JobRates>[] = []
  for (let n = 0; n < rounds; n += 1) {
    const round = {} as Record<Name, JobRates>
    for (const name of names) {
      const fresh = await withBenchDatabase(({ url }) => peers.measure(name, url, counts, 'fresh'))
      const others = await withBenchDatabase(({ url }) => peers.measure(name, url, counts))
      round[name] = { ...others, ...fresh } as JobRates
      console.log(name, JSON.stringify(round[name]))
    }
    all.push(round)
  }
  return all
}

function medianRates(all: readonly JobRates[]): JobRates {
  const median = (values: number[]) => values.sort((one, other) => one - other)[values.length >> 1] ?? 0
  const measured = ways.filter((way) => all[0]?.[way])
  const rate = (way: Way): Rate => ({
    enqueue: median(all.map((rates) => rates[way]?.enqueue ?? 0)),
    settle: median(all.map((rates) => rates[way]?.settle ?? 0)),
  })
  return Object.fromEntries(measured.map((way) => [way, rate(way)])) as unknown as JobRates
}

function charts(rates: Readonly<Record<Name, JobRates>>): Chart[] {
  return ways.map((way) => {
    const groups = names.filter((name) => rates[name][way])
    return {
      kind: 'bars',
      title: `${wayTitles[way]}, 8 connections`,
      y: { label: 'jobs in a second' },
      groups,
      series: (['enqueue', 'settle'] as const).map((what) => ({
        name: what === 'enqueue' ? 'enqueue' : 'claim + complete',
        values: groups.map((name) => Math.round(rates[name][way]?.[what] ?? 0)),
      })),
    }
  })
}
