/**
 * `npm run bench -- vector|hybrid|search|layers|semantics|sizes|choice|filters|history|versions|jobs|jobs-load|jobs-limits|import [--rows 10000,100000] [--queries 100] [--out FILE]`: measures on the server of
 * DATABASE_URL, in a database of its own that is dropped afterwards, and writes JSON and plots.
 */
import { Argument, Command, InvalidArgumentError } from 'commander'
import type { Bench } from './bench.ts'

const names = [
  'vector',
  'hybrid',
  'search',
  'layers',
  'semantics',
  'sizes',
  'choice',
  'filters',
  'history',
  'versions',
  'jobs',
  'jobs-load',
  'jobs-limits',
  'import',
] as const

interface Given {
  readonly rows?: number[]
  readonly queries?: number[]
  readonly out?: string
}

await new Command('bench')
  .description('Measures on the server of DATABASE_URL, in a database of its own that is dropped afterwards.')
  .addArgument(new Argument('<name>', 'what to measure').choices(names))
  .option('--rows <numbers>', 'sizes of the corpus, such as 10000,100000', counts)
  .option('--queries <number>', 'how many queries each figure is taken from', counts)
  .option('--out <file>', 'the JSON file to write, instead of test/bench/results/<name>.json')
  .action(async (name: (typeof names)[number], { rows, queries, out }: Given) => {
    const bench = (await import(`./${name}.ts`)) as Bench
    await bench.run({ rows, queries: queries?.[0], out })
  })
  .parseAsync()

function counts(text: string): number[] {
  const numbers = text.split(',').map(Number)
  if (numbers.some((count) => !Number.isInteger(count) || count < 1)) {
    throw new InvalidArgumentError('expected whole numbers above 0, separated by commas')
  }
  return numbers.sort((one, other) => one - other)
}
