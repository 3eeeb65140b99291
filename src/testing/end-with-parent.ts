/**
 * Preloaded (`node --import`) into processes that a test, drill or bench starts: their stdin is a
 * pipe from the parent, and when it closes (the parent is gone, even by SIGKILL) they end too. A terminal
 * that closes tells every process that it started; the parent says what ends then, and in which order.
 */
process.on('SIGHUP', () => undefined)
process.stdin.on('error', () => process.exit(1))
process.stdin.on('close', () => process.exit(1))
process.stdin.resume()
// A pipe keeps the event loop alive otherwise, and a process that has nothing left to do ends.
;(process.stdin as Partial<{ unref: () => void }>).unref?.()
