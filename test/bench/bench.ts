/** What the command line gives every benchmark. */
export interface BenchOptions {
  /** Sizes of the corpus, ascending; undefined: the benchmark's own. */
  readonly rows: readonly number[] | undefined
  /** How many queries, or jobs, each figure is taken from; undefined: the benchmark's own. */
  readonly queries: number | undefined
  /** The JSON file to write; undefined: `results/<name>.json` beside the benchmark. */
  readonly out: string | undefined
}

/** What a benchmark's module exports. */
export interface Bench {
  run(options: BenchOptions): Promise<void>
}
