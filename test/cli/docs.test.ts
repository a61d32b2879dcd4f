import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ended, startShell } from '../support/command.ts'
import { emptyFolder } from '../support/empty-folder.ts'

/** A command of a `console` block, and what it prints; `…` stands for anything. */
interface Example {
  readonly command: string
  readonly output: string
}

function examplesOf(markdown: string): Example[] {
  const blocks = [...markdown.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = '']) => block)
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = '', ...output] = part.trimEnd().split('\n')
        return { command, output: output.join('\n') }
      }),
  )
}

function pattern(output: string): RegExp {
  const parts = output.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}

it('every example of docs/commands.md prints what it says', { timeout: 240_000 }, async () => {
  const cwd = emptyFolder()
  const examples = examplesOf(readFileSync(join(import.meta.dirname, '../../docs/commands.md'), 'utf8'))
  expect(examples.length).toBeGreaterThan(10)
  for (const { command, output } of examples) {
    const { stdout } = await ended(startShell(`{ ${command}; } 2>&1`, { cwd }))
    expect(stdout.trimEnd(), command).toMatch(pattern(output))
  }
})
