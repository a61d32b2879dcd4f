import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { transformSync } from 'esbuild'

const project = join(import.meta.dirname, '../..')
const cache = join(project, 'node_modules/.cache/opa-db')

/**
 * The compiled command, as it ships. It is built once for each state of the sources, beside a link to the migrations,
 * because dist/ is rebuilt by another test meanwhile.
 */
export function builtCommand(): string {
  const sources = readdirSync(join(project, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const state = sources.map((path) => `${path} ${statSync(path).mtimeMs}`).join('\n')
  const folder = join(cache, createHash('sha256').update(state).digest('hex').slice(0, 16))
  const command = join(folder, 'dist/cli/main.js')
  if (existsSync(command)) return command
  mkdirSync(cache, { recursive: true })
  const draft = mkdtempSync(join(cache, 'draft-'))
  const tsc = join(project, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [
    tsc,
    '-p',
    join(project, 'src'),
    '--outDir',
    join(draft, 'dist'),
    '--declaration',
    'false',
  ])
  symlinkSync(join(project, 'drizzle'), join(draft, 'drizzle'))
  symlinkSync(join(project, 'package.json'), join(draft, 'package.json'))
  try {
    renameSync(draft, folder)
  } catch {
    // Another test was faster.
    rmSync(draft, { recursive: true, force: true })
  }
  return command
}

/**
 * A script of the tests as JavaScript over the compiled package, beside it: starts in a fraction of the time that compiling
 * everything anew takes.
 *
 * @param path the script, which imports the package from ../../src.
 */
export function builtScript(path: string): string {
  const built = dirname(dirname(builtCommand()))
  const { code } = transformSync(readFileSync(path, 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
  })
  const imports = code.replaceAll(/"\.\.\/\.\.\/src\/([^"]+)\.ts"/g, (_, name) => `"./${name}.js"`)
  const file = join(built, `${basename(path, '.ts')}.script.js`)
  // Whoever runs one that is being written would read half of it.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, imports)
  renameSync(draft, file)
  return file
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Given on standard input; without it that is empty. Null leaves it open. */
  readonly input?: string | Buffer | null
}

/** The environment of a command that knows of no database: none of what the tests themselves are configured by. */
export function plainEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = ['PATH', 'HOME', 'LANG', 'TMPDIR'].map((name) => [name, process.env[name]])
  return { ...Object.fromEntries(kept.filter(([, value]) => value !== undefined)), TZ: 'UTC', ...more }
}

/** Starts `opa-db` as a process. */
export function start(
  words: readonly string[],
  { cwd = project, env = {}, input = '' }: RunOptions = {},
): ChildProcess {
  const child = spawn(process.execPath, [builtCommand(), ...words], { cwd, env: plainEnvironment(env) })
  // A command that does not read its input may have ended before it is written.
  child.stdin.on('error', () => {})
  if (input !== null) child.stdin.end(input)
  return child
}

/** Starts a line of bash in which `opa-db` is the command. */
export function startShell(line: string, { cwd = project, env = {} }: RunOptions = {}): ChildProcess {
  const script = `opa-db() { "$NODE" "$COMMAND" "$@"; }; ${line}`
  return spawn('bash', ['-c', script], {
    cwd,
    env: plainEnvironment({ ...env, NODE: process.execPath, COMMAND: builtCommand() }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** What a process printed, and how it ended. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const closed = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject).once('close', (code, signal) => resolve([code, signal]))
  })
  const [stdout, stderr, [code, signal]] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    closed,
  ])
  return { code, signal, stdout, stderr }
}

/** Runs `opa-db` as a process to its end. */
export function run(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return ended(start(words, options))
}
