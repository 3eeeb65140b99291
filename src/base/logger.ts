/** A fixed event, then fields. Message text and secrets are never fields. */
export interface Logger {
  /**
   * Whether debug lines are written anywhere; absent: no. What would say something once per message asks
   * first, so that it costs nothing otherwise. Such lines carry `message_id`, which ties them together.
   */
  readonly debugs?: boolean
  debug(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  warn(event: string, fields?: Fields): void
  error(event: string, fields?: Fields): void
  /** A logger that adds `fields` to every line. */
  with(fields: Fields): Logger
}

export type Fields = Record<string, unknown>

/** Says nothing. The default of tests. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLogger,
}
