import { createColors } from 'picocolors'

/** Where a command speaks. */
export interface Io {
  /** A line of the answer: stdout. */
  out(line: string): void
  /** A line beside the answer, such as progress: stderr. */
  note(line: string): void
  /** stdout is a terminal: colours and redrawing are welcome. */
  readonly isTerminal: boolean
  readonly paint: ReturnType<typeof createColors>
}

export function processIo(): Io {
  const isTerminal = process.stdout.isTTY
  return {
    out: line => void process.stdout.write(`${line}\n`),
    note: line => void process.stderr.write(`${line}\n`),
    isTerminal,
    paint: createColors(isTerminal && process.env['NO_COLOR'] === undefined),
  }
}

/** Keeps what is said; for tests. */
export function recordingIo(): Io & { readonly said: string[]; readonly noted: string[] } {
  const said: string[] = []
  const noted: string[] = []
  return {
    said,
    noted,
    out: line => said.push(line),
    note: line => noted.push(line),
    isTerminal: false,
    paint: createColors(false),
  }
}
