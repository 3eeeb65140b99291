import type { z } from 'zod'
import { suggestion } from './nearest.js'
import { readDocument } from './document.js'
import { ConfigError } from './file-error.js'
import { shapeOf } from './values.js'

/** What the environment says: CARILLON_CLUSTER_HEARTBEAT_MS stands for cluster.heartbeatMs. */
export interface Overridden {
  content: unknown
  /** The variable that gave the value at a path (`cluster.heartbeatMs`), where one did. */
  variableAt: (path: readonly PropertyKey[]) => string | undefined
  /** One sentence for each CARILLON_ variable that means nothing. */
  warnings: string[]
}

/**
 * Puts the environment's values over a file's. Lists and mappings are JSON (or YAML on one line).
 *
 * @throws ConfigError where a list or mapping cannot be read
 */
export function overrideFromEnvironment(
  schema: z.ZodType,
  content: unknown,
  environment: NodeJS.ProcessEnv,
): Overridden {
  const paths = new Map(leaves(schema, []).map(path => [variableName(path), path]))
  const used = new Map<string, string>()
  const warnings: string[] = []
  let result = content
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || text === undefined || OTHERS.has(name)) continue
    const path = paths.get(name)
    if (path === undefined) {
      warnings.push(
        `${name} means nothing to Carillon${nearOnly(name, [...paths.keys(), ...OTHERS])}`,
      )
      continue
    }
    result = withValue(result, path, valueOf(text, name))
    used.set(path.join('.'), name)
  }
  return {
    content: result,
    warnings,
    variableAt(path) {
      for (let length = path.length; length > 0; length--) {
        const name = used.get(path.slice(0, length).join('.'))
        if (name !== undefined) return name
      }
      return undefined
    },
  }
}

/** CARILLON_LOG_LEVEL: debug, info (default), warn, error or silent. @throws ConfigError */
export function logLevel(environment: NodeJS.ProcessEnv = process.env): LogLevel {
  const given = environment['CARILLON_LOG_LEVEL'] ?? 'info'
  const level = LEVELS.find(known => known === given)
  if (level !== undefined) return level
  const message = `expected one of ${LEVELS.join(', ')}, not ${given}`
  throw new ConfigError([
    { file: 'environment', line: 0, column: 0, key: 'CARILLON_LOG_LEVEL', message },
  ])
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LEVELS)[number]

const PREFIX = 'CARILLON_'
/** Read elsewhere. */
const OTHERS = new Set(['CARILLON_LOG_LEVEL', 'CARILLON_API_KEY'])

/** CARILLON_SMPP_SUBMIT_TIMEOUT_MS for ['smpp', 'submitTimeoutMs']. */
function variableName(path: readonly string[]): string {
  return PREFIX + path.map(part => part.replace(/[A-Z]/g, '_$&').toUpperCase()).join('_')
}

function leaves(schema: z.ZodType, path: readonly string[]): string[][] {
  const shape = shapeOf(schema)
  if (shape === undefined) return [[...path]]
  return Object.entries(shape).flatMap(([key, inner]) => leaves(inner, [...path, key]))
}

function valueOf(text: string, name: string): unknown {
  return /^\s*[[{]/.test(text) ? readDocument(text, name).content : text
}

function withValue(content: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  const isMapping = typeof content === 'object' && content !== null && !Array.isArray(content)
  const around = isMapping ? (content as Record<string, unknown>) : {}
  return { ...around, [key]: withValue(around[key], rest, value) }
}

function nearOnly(name: string, known: readonly string[]): string {
  const sentence = suggestion(name, known)
  return sentence.startsWith('; did') ? sentence : ''
}
