import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml'
import { ConfigError, keyText, type FileError } from './file-error.js'

/**
 * A YAML file, read with every scalar as the text that stands there: `prefix: 0049` keeps its zeros
 * and a password of digits stays one. What a value means is for the reader of its key to say.
 */
export interface SourceDocument {
  readonly file: string
  /** Strings, arrays and plain objects. An empty file is an empty object. */
  readonly content: unknown
  /** Where the key (or list item) at `path` stands, or the nearest thing around it. */
  errorAt: (path: readonly PropertyKey[], message: string) => FileError
}

/** @throws ConfigError on what is no YAML, on duplicate keys, and on files over 16 MiB */
export function readDocument(text: string, file: string): SourceDocument {
  if (text.length > OCTETS_MAX) {
    throw new ConfigError([{ file, line: 0, column: 0, key: '', message: 'larger than 16 MiB' }])
  }
  const lines = new LineCounter()
  const document = parseDocument(text, {
    schema: 'failsafe',
    lineCounter: lines,
    prettyErrors: false,
  })
  const placed = (offset: number, key: string, message: string): FileError => {
    const { line, col } = lines.linePos(offset)
    return { file, line, column: col, key, message }
  }
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map(e => placed(e.pos[0], '', e.message)))
  }
  return {
    file,
    content: plain(document, message => new ConfigError([placed(0, '', message)])),
    errorAt: (path, message) => placed(offsetOf(document, path), keyText(path), message),
  }
}

const OCTETS_MAX = 16 * 1024 * 1024

function plain(document: Document, failed: (message: string) => Error): unknown {
  if (document.contents === null) return {}
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown
  } catch (error) {
    throw failed(error instanceof Error ? error.message : String(error)) // too many aliases
  }
}

function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === String(part))
      if (pair === undefined) return offset
      offset = startOf(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(part)]
      offset = startOf(node) ?? offset
    } else {
      return offset
    }
  }
  return offset
}

function startOf(node: unknown): number | undefined {
  const at = node as { range?: [number, number, number] | null } | null | undefined
  return at?.range?.[0]
}
