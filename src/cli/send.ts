import type { MessageEvent, MessageView, SendRequest } from '../api/shapes.js'
import { CommandFailed, EXIT } from './failure.js'
import type { Io } from './io.js'
import { NodeRefused, type NodeClient } from './node-client.js'
import { pause, type Waiting } from './operate.js'
import { jsonText, type OutputForm } from './table.js'

export interface SendOptions extends SendRequest {
  timeoutMs: number
  output: OutputForm
}

/**
 * `carillon send`: hands one message in, shows each state with its time, and waits for the receipt.
 * Returns the receipt's stat (`DELIVRD`).
 *
 * A leader change, or a restart of the node that is asked, only makes it wait longer: the message
 * is in the journal.
 */
export async function send(
  client: NodeClient,
  options: SendOptions,
  io: Io,
  { clock, timers }: Waiting,
): Promise<string> {
  const { timeoutMs, output, ...request } = options
  const beganAtMs = clock.monotonicMs()
  let message = await client.post<MessageView>('/api/v1/messages', request)
  const say = (line: string): void => (output === 'json' ? io.note(line) : io.out(line))
  say(`message ${io.paint.bold(message.id)}`)
  let shown = 0
  let lastFailure = ''
  for (let waitMs = 20; ; waitMs = Math.min(250, waitMs * 1.5)) {
    for (const event of message.events.slice(shown)) say(eventLine(event, message.events[0], io))
    shown = Math.max(shown, message.events.length)
    const stat = statOf(message)
    if (stat !== undefined) {
      if (output === 'json') io.out(jsonText(message))
      else io.out(stat === 'DELIVRD' ? io.paint.green(stat) : io.paint.red(stat))
      return stat
    }
    if (clock.monotonicMs() - beganAtMs > timeoutMs) {
      const where = lastFailure === '' ? `it is ${message.state}` : lastFailure
      // Nothing has come of it yet: the connector is the place to look.
      const waits = message.events.every(({ state }) => state === 'queued')
      const { connector, id } = message
      const place = waits && connector !== null ? `connectors ${connector}` : `messages ${id}`
      const remedy = `see ./carillon get ${place}`
      throw new CommandFailed(
        EXIT.negative,
        `no receipt within ${timeoutMs / 1000} s: ${where}; ${remedy}`,
      )
    }
    await pause(timers, waitMs)
    try {
      message = await client.get<MessageView>(`/api/v1/messages/${encodeURIComponent(message.id)}`)
      lastFailure = ''
    } catch (error) {
      if (!(error instanceof CommandFailed) || !mayPass(error)) throw error
      lastFailure = error.message
    }
  }
}

/** `carillon send --at`: hands one message in that waits in the journal, and does not wait for it. */
export async function schedule(
  client: NodeClient,
  request: SendRequest,
  output: OutputForm,
  io: Io,
): Promise<void> {
  const message = await client.post<MessageView>('/api/v1/messages', request)
  if (output === 'json') {
    io.out(jsonText(message))
    return
  }
  io.out(`message ${io.paint.bold(message.id)}`)
  for (const { state, detail } of message.events)
    if (state === 'scheduled') io.out(`  scheduled, ${detail}`)
  io.out(io.paint.dim(`  its way: ./carillon get messages ${message.id}`))
}

/** `03:04:05.678  +0.012 s  sent  smsc-a` */
function eventLine(event: MessageEvent, first: MessageEvent | undefined, { paint }: Io): string {
  const since = (Date.parse(event.at) - Date.parse(first?.at ?? event.at)) / 1000
  const detail = event.detail === undefined ? '' : `  ${paint.dim(event.detail)}`
  return `  ${paint.dim(event.at.slice(11, 23))}  +${since.toFixed(3)} s  ${event.state}${detail}`
}

/** The receipt's word for a final state; undefined while it is none. Source: SMPP 3.4 appendix B. */
function statOf({ stat, state }: MessageView): string | undefined {
  return stat ?? FINAL[state]
}

const FINAL: Partial<Record<MessageView['state'], string>> = {
  DELIVERED: 'DELIVRD',
  EXPIRED: 'EXPIRED',
  DELETED: 'DELETED',
  UNDELIVERABLE: 'UNDELIV',
  REJECTED: 'REJECTD',
}

/** A node that restarts, has no leader or has not applied the message yet is asked again. */
function mayPass(error: CommandFailed): boolean {
  if (error instanceof NodeRefused) return error.status === 404 || error.status >= 500
  return error.exitStatus === EXIT.unreachable
}
