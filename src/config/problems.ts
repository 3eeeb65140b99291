import type { z } from 'zod'
import { ConfigError, type FileError } from './file-error.js'
import type { SourceDocument } from './document.js'

/**
 * Reads a document by a schema.
 *
 * @param content  what to read, where it is not the document's own (environment.ts changes some)
 * @param placed   finds the error's place; by default in the document
 * @throws ConfigError with every mistake, in the order of the file
 */
export function readBy<T>(
  schema: z.ZodType<T>,
  document: SourceDocument,
  content = document.content,
  placed: SourceDocument['errorAt'] = document.errorAt,
): T {
  const result = schema.safeParse(content)
  if (result.success) return result.data
  const errors = result.error.issues.flatMap(issue =>
    issue.code === 'unrecognized_keys'
      ? issue.message
          .split('\n')
          .map((message, i) => placed([...issue.path, issue.keys[i] ?? ''], message))
      : [placed(issue.path, issue.message)],
  )
  throw new ConfigError(inOrder(errors))
}

export function inOrder(errors: readonly FileError[]): FileError[] {
  return [...errors].sort((a, b) => a.line - b.line || a.column - b.column)
}
