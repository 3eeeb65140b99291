/** A rule of ours was broken. Never caught: a wrong node is worse than a missing one. */
export class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant'
}

/** Stops the process, in production too, where `condition` does not hold. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new BrokenInvariant(message)
}

/** Ends an exhaustive switch; the compiler complains when a case is missing. */
export function assertNever(value: never): never {
  throw new BrokenInvariant(`unhandled case: ${JSON.stringify(value)}`)
}
