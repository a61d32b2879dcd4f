import { existsSync, mkdirSync, rmdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { lockEmbedded } from '../../src/database/embedded-lock.ts'
import { connect, migrate, remember } from '../../src/index.ts'

/**
 * A process of the tests of embedded databases, to be killed at any moment: `tsx embedded-child.ts lock|write <folder>`.
 * What it says goes to standard output, a line each, at once.
 */
const [mode = '', dataDir = '', name = ''] = process.argv.slice(2)
const say = (line: string) => void writeSync(1, `${line}\n`)
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

try {
  if (mode === 'lock') await holdLock()
  else await write()
} catch (error) {
  say(`refused ${(error as Error).name}: ${(error as Error).message}`)
}

/** Takes the lock, and checks by another way that nobody else has it. */
async function holdLock(): Promise<void> {
  const lock = await lockEmbedded(dataDir, () => say('lost'))
  const proof = join(dataDir, 'inside')
  if (existsSync(proof)) rmdirSync(proof)
  mkdirSync(proof)
  say('locked')
  if (name === 'briefly') {
    await sleep(20)
    rmdirSync(proof)
    lock.release()
    say('released')
  } else await sleep(600_000)
}

/** Remembers one memory after the other, and says each that the database has acknowledged. */
async function write(): Promise<void> {
  const { db } = await connect({ kind: 'embedded', dataDir })
  say('open')
  await migrate(db)
  for (let number = 0; ; number += 1) {
    const { id } = await remember(db, { id: `${name}-${number}`, text: `memory ${number} of ${name}` })
    say(`kept ${id}`)
  }
}
