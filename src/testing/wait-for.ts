/**
 * Waits until `probe` gives something other than undefined or false, and returns it. Asks every
 * `everyMs` (default 25).
 * @throws Error that names `what` after `timeoutMs` (default 30,000)
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  options: { timeoutMs?: number; everyMs?: number; detail?: () => string } = {},
): Promise<T> {
  const { timeoutMs = 30_000, everyMs = 25, detail } = options
  const endMs = performance.now() + timeoutMs
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (performance.now() > endMs) {
      throw new Error(`waited ${timeoutMs} ms in vain: ${what}${detail ? `\n${detail()}` : ''}`)
    }
    await new Promise(resolve => setTimeout(resolve, everyMs))
  }
}
