import type { MemoryToolHandlers } from '@anthropic-ai/sdk/helpers/beta/memory'
import { checkText, longestName } from '../../database/check.ts'
import type { Database } from '../../database/database.ts'
import { InvalidInputError, NotFoundError } from '../../errors.ts'
import { type Files, withFiles } from './files.ts'
import { ancestorsOf, checkedPath, isBelow, parentOf, root } from './paths.ts'
import { changeText, contentText, listingText } from './texts.ts'

export interface MemoryToolOptions {
  /** Whose files; 'default' by default. No path reaches another namespace's. */
  readonly namespace?: string
}

/** The handlers of the memory tool, each of which answers with text. */
export type DatabaseMemoryTool = {
  [Command in keyof MemoryToolHandlers]: (
    command: Parameters<MemoryToolHandlers[Command]>[0],
  ) => Promise<string>
}

/**
 * Handlers of Anthropic's memory tool (`memory_20250818`) that keep its files in the database, as memories that every
 * search finds. What a model reads is word for word what the SDK's `BetaLocalFilesystemMemoryTool` answers. A file has at
 * most 64 KiB.
 *
 * Each command is one transaction, and those of one namespace run one after the other, whichever process they come from.
 *
 * @throws InvalidInputError and NotFoundError, with the text that the model is to read.
 * @example
 * const runner = anthropic.beta.messages.toolRunner({
 *   model, max_tokens, messages,
 *   tools: [betaMemoryTool(databaseMemoryTool(db, { namespace: 'ana' }))],
 * })
 */
export function databaseMemoryTool(
  db: Database,
  { namespace = 'default' }: MemoryToolOptions = {},
): DatabaseMemoryTool {
  checkText(namespace, 'namespace', { from: 1, to: longestName })
  const inFiles = <T>(work: (files: Files) => Promise<T>) => withFiles(db, namespace, work)

  return {
    async view({ path, view_range: range }) {
      const at = checkedPath(path)
      return inFiles(async (files) => {
        const content = await files.read(at)
        if (content !== null) return contentText(path, content, range)
        if (await files.isDirectory(at)) return listingText(path, at, await files.below(at))
        throw missing(path)
      })
    },

    async create({ path, file_text: content }) {
      const at = checkedPath(path)
      return inFiles(async (files) => {
        await checkAncestors(files, at)
        if (await exists(files, at)) throw new InvalidInputError(`File ${path} already exists`)
        await files.makeDirectory(parentOf(at))
        await files.write(at, content)
        return `File created successfully at: ${path}`
      })
    },

    async str_replace({ path, old_str: old, new_str: replacement }) {
      const at = checkedPath(path)
      return inFiles(async (files) => {
        const content = await readFile(files, path, at)
        const found = content.split('\n').flatMap((line, at) => (line.includes(old) ? [at + 1] : []))
        const [line] = found
        if (line === undefined) {
          throw new InvalidInputError(
            `No replacement was performed, old_str \`${old}\` did not appear verbatim in ${path}.`,
          )
        }
        if (found.length > 1) {
          throw new InvalidInputError(
            `No replacement was performed. Multiple occurrences of old_str \`${old}\` in lines: ${found.join(', ')}. Please ensure it is unique`,
          )
        }
        // A function, because a `$` in a replacement text has a meaning of its own.
        const changed = content.replace(old, () => replacement)
        await files.write(at, changed)
        return changeText(changed, line)
      })
    },

    async insert({ path, insert_line: line, insert_text: text }) {
      const at = checkedPath(path)
      return inFiles(async (files) => {
        const lines = (await readFile(files, path, at)).split('\n')
        if (line < 0 || line > lines.length) {
          throw new InvalidInputError(
            `Invalid \`insert_line\` parameter: ${line}. It should be within the range of lines of the file: [0, ${lines.length}]`,
          )
        }
        lines.splice(line, 0, text.replace(/\n$/, ''))
        await files.write(at, lines.join('\n'))
        return `The file ${path} has been edited.`
      })
    },

    async delete({ path }) {
      const at = checkedPath(path)
      if (at === root) throw new InvalidInputError(`Cannot delete the ${root} directory itself`)
      return inFiles(async (files) => {
        if (!(await exists(files, at))) throw new NotFoundError(`The path ${path} does not exist`)
        await files.makeDirectory(parentOf(at))
        await files.remove(at)
        return `Successfully deleted ${path}`
      })
    },

    async rename({ old_path: oldPath, new_path: newPath }) {
      const [from, to] = [checkedPath(oldPath), checkedPath(newPath)]
      if (from === root) throw new InvalidInputError(`Cannot rename the ${root} directory itself`)
      return inFiles(async (files) => {
        if (await exists(files, to)) throw new InvalidInputError(`The destination ${newPath} already exists`)
        if (!(await exists(files, from))) throw new NotFoundError(`The path ${oldPath} does not exist`)
        if (isBelow(to, from)) throw new InvalidInputError(`Cannot rename ${oldPath} into itself`)
        await checkAncestors(files, to)
        // A directory stays when the last file leaves it.
        await files.makeDirectory(parentOf(from))
        await files.makeDirectory(parentOf(to))
        await files.move(from, to)
        return `Successfully renamed ${oldPath} to ${newPath}`
      })
    },
  }
}

function missing(path: string): NotFoundError {
  return new NotFoundError(`The path ${path} does not exist. Please provide a valid path.`)
}

async function exists(files: Files, at: string): Promise<boolean> {
  return (await files.read(at)) !== null || files.isDirectory(at)
}

async function readFile(files: Files, path: string, at: string): Promise<string> {
  const content = await files.read(at)
  if (content !== null) return content
  throw (await files.isDirectory(at))
    ? new InvalidInputError(`The path ${path} is not a file.`)
    : missing(path)
}

/** Nothing can lie in a file. */
async function checkAncestors(files: Files, at: string): Promise<void> {
  for (const directory of ancestorsOf(at)) {
    if (directory !== root && (await files.read(directory)) !== null) {
      throw new InvalidInputError(`The path ${directory} is not a directory.`)
    }
  }
}
