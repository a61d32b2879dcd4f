#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8'
import { readEnvironment } from '../database/location.ts'
import { exitCodes, Interrupted, OutputClosed } from './exit.ts'
import { Output } from './output.ts'
import { runCli } from './program.ts'

// A command on the embedded database is over before it pays to compile PGlite's hot functions a second time, optimised, as
// V8 does after 1.8 million bytes of one (Node 20; 13 million from Node 22). `opa-db list` takes two thirds of the processor
// time without; an import of 6,000 memories, in which the hottest are compiled still, 0.8.
setFlagsFromString('--wasm-tiering-budget=200000000')

// The one place that touches the process: its streams, signals and exit code.
const aborting = new AbortController()
const stop = (exitCode: number) => () => {
  // Twice: the user does not want to wait for a clean end.
  if (aborting.signal.aborted) process.exit(exitCode)
  aborting.abort(new Interrupted(exitCode))
}
process.on('SIGINT', stop(exitCodes.interrupted)).on('SIGTERM', stop(exitCodes.terminated))

const environment = readEnvironment()
process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  out: new Output(process.stdout, environment, () => aborting.abort(new OutputClosed())),
  err: new Output(process.stderr, environment),
  environment,
  signal: aborting.signal,
})
