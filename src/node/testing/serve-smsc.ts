import { listenTcp } from '../../link/tcp.js'
import type { ScriptedSmsc } from '../../upstream/testing/smsc.js'

/** Lets a scripted SMSC take connections at a real port, until the test's end. */
export async function serveSmsc(
  tap: { teardown(fn: () => unknown): void },
  smsc: ScriptedSmsc,
  port: number,
): Promise<void> {
  const listener = await listenTcp({
    host: '127.0.0.1',
    port,
    onConnection: connection => smsc.take(connection),
  })
  tap.teardown(() => listener.close())
}
