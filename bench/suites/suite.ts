import type { Flags } from '../flags.js'

/** What a suite is given. */
export interface SuiteRun {
  flags: Flags
  /** Progress, in words, while it goes on. */
  note: (text: string) => void
}

/** What a suite hands back when it has ended by itself. */
export interface SuiteResult {
  /** As the JSON shows them. */
  figures: unknown
  /** The same as tables. */
  text: string
  /** What must not be: lost receipts, memory that grew. The bench then ends with status 1. */
  problems: string[]
}

export type Suite = (run: SuiteRun) => Promise<SuiteResult>
