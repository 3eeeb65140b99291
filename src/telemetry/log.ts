import { pino, stdSerializers, stdTimeFunctions, type DestinationStream } from 'pino'
import type { Fields, Logger } from '../base/logger.js'
import { prettyLine } from './pretty-line.js'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface LogOptions {
  /** Default `info`. */
  level?: LogLevel
  /** Short lines for people instead of JSON. Default: where stderr is a terminal. */
  pretty?: boolean
  /** Where lines go. Default: stderr, so that stdout stays for what a command answers. */
  write?: (line: string) => void
  /** On every line. */
  fields?: Fields
}

/**
 * The process's log: a JSON object a line, `{"level":"info","time":"…","term":7,"event":"leader changed"}`.
 * Fields whose names are those of secrets or of message text are masked, should one slip through.
 */
export function createLogger(options: LogOptions = {}): Logger {
  const pretty = options.pretty ?? (options.write === undefined && process.stderr.isTTY)
  const destination = destinationOf(options.write, pretty)
  const log = pino(
    {
      level: options.level ?? 'info',
      messageKey: 'event',
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { error: stdSerializers.errWithCause, err: stdSerializers.errWithCause },
      redact: { paths: SECRETS.flatMap(name => [name, `*.${name}`]), censor: '***' },
    },
    destination,
  )
  return wrap(log, log.isLevelEnabled('debug'), options.fields)
}

const SECRETS = [
  'password',
  'short_message',
  'message_payload',
  'apiKey',
  'apiKeys',
  'secret',
  'text',
]

function destinationOf(
  given: ((line: string) => void) | undefined,
  pretty: boolean,
): DestinationStream {
  // Not on this thread: a reader that stops reading our pipe must not stop the node. It flushes at exit.
  if (given === undefined && !pretty)
    return pino.destination({ fd: 2, sync: false, maxLength: MIB })
  const write = given ?? ((line: string) => process.stderr.write(line))
  if (!pretty) return { write }
  const colours = process.stderr.isTTY && process.env['NO_COLOR'] === undefined
  return { write: line => write(prettyLine(line, colours)) }
}

/** Lines that wait for a reader; beyond it they are dropped. */
const MIB = 1024 * 1024

interface PinoLike {
  debug(fields: Fields, event: string): void
  info(fields: Fields, event: string): void
  warn(fields: Fields, event: string): void
  error(fields: Fields, event: string): void
  child(fields: Fields): PinoLike
}

function wrap(log: PinoLike, debugs: boolean, fields: Fields | undefined): Logger {
  const line = fields === undefined ? log : log.child(fields)
  return {
    debugs,
    debug: (event, more = NONE) => line.debug(more, event),
    info: (event, more = NONE) => line.info(more, event),
    warn: (event, more = NONE) => line.warn(more, event),
    error: (event, more = NONE) => line.error(more, event),
    with: more => wrap(line, debugs, more),
  }
}

const NONE: Fields = {}
