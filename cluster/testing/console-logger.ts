import type { Fields, Logger } from '../../src/base/logger.js'

/** Writes to stderr, for looking at a test by eye. */
export function consoleLogger(fixed: Fields = {}): Logger {
  const line =
    (level: string) =>
    (event: string, fields: Fields = {}): void => {
      const at = (performance.now() / 1000).toFixed(3)
      process.stderr.write(`${at} ${level} ${event} ${JSON.stringify({ ...fixed, ...fields })}\n`)
    }
  return {
    debugs: true,
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: fields => consoleLogger({ ...fixed, ...fields }),
  }
}
