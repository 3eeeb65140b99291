import type { Socket } from 'node:net'
import type { Meter } from './meter.js'

/** Loads until the meter is over. Returns what makes the figures doubtful, a sentence each. */
export type Drive<Load> = (load: Load, meter: Meter) => Promise<string[]>

/** Waits until the meter is over or a connection has ended, and closes all; one that was lost is a problem. */
export async function endOf(sockets: readonly Socket[], meter: Meter): Promise<string[]> {
  const problems: string[] = []
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>(resolve => {
    timer = setInterval(() => {
      if (meter.isOver) resolve()
    }, 10)
    const lost = (why: string): void => {
      problems.push(why)
      resolve()
    }
    for (const socket of sockets) {
      socket.once('error', error => lost(error.message))
      socket.once('close', () => lost('a connection was closed'))
    }
  })
  clearInterval(timer)
  const found = problems.slice(0, 1)
  for (const socket of sockets) socket.on('error', () => undefined).destroy()
  return found
}
