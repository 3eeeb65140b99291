import { STATUS_CODES } from 'node:http'
import type { FileError, Problem } from './shapes.js'

/** An answer that is no success; the server turns it into a problem document (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: Problem
  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail ?? problem.title, options)
    this.problem = problem
  }
}

export const PROBLEM_TYPE = 'application/problem+json'

/** A problem that its status says all of. */
export function plainProblem(status: number, detail?: string): Problem {
  const title = STATUS_CODES[status] ?? 'Error'
  return { type: 'about:blank', title, status, ...(detail === undefined ? {} : { detail }) }
}

export function badRequest(detail: string): ProblemError {
  return new ProblemError(plainProblem(400, detail))
}

export function notFound(detail: string): ProblemError {
  return new ProblemError(plainProblem(404, detail))
}

/** Another author was faster, or something still uses what should go. */
export function conflict(detail: string): ProblemError {
  return new ProblemError({ type: '/problems/conflict', title: 'Conflict', status: 409, detail })
}

export function badSettings(errors: readonly FileError[]): ProblemError {
  return new ProblemError({
    type: '/problems/settings',
    title: 'The settings have mistakes',
    status: 400,
    errors: [...errors],
  })
}

/** Nothing can be committed, or read up to date, for want of a leader with a quorum. */
export function noQuorum(cause: unknown): ProblemError {
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new ProblemError(
    { type: '/problems/no-quorum', title: 'No leader with a quorum', status: 503, detail },
    { cause },
  )
}
