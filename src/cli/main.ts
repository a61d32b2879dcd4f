#!/usr/bin/env node
import { readEnvironment } from '../database/location.ts'
import { exitCodes, Interrupted, OutputClosed } from './exit.ts'
import { Output } from './output.ts'
import { runCli } from './program.ts'

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
