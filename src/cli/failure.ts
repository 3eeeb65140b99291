/** How a command can end; `./carillon --help` lists them. */
export const EXIT = {
  done: 0,
  /** The command ran, and its answer is no: not delivered in time, files differ, a node died at start. */
  negative: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  /** Something of ours is broken. */
  internal: 70,
} as const

/** Ends a command with a sentence that names cause and remedy, and an exit status. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  readonly exitStatus: number
  constructor(exitStatus: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitStatus = exitStatus
  }
}
