import type {
  ClusterView,
  DrainRequest,
  DrainView,
  LeaderView,
  MessageView,
  ResolveRequest,
  ResolveResult,
  TransferRequest,
} from '../api/shapes.js'
import type { Clock, Timers } from '../base/clock.js'
import { CommandFailed, EXIT } from './failure.js'
import type { Io } from './io.js'
import type { NodeClient } from './node-client.js'
import { jsonText, type OutputForm } from './table.js'

/** What waiting commands need. */
export interface Waiting {
  clock: Clock
  timers: Timers
}

/** `carillon drain`: the node that is asked hands everything over; returns when it has. */
export async function drain(
  client: NodeClient,
  options: { deadlineMs: number; output: OutputForm },
  io: Io,
  { clock, timers }: Waiting,
): Promise<void> {
  const { deadlineMs, output } = options
  const endsAtMs = clock.monotonicMs() + deadlineMs + 5000
  const request: DrainRequest = { deadlineMs }
  let view = await client.post<DrainView>('/api/v1/drain', request)
  let said = ''
  while (view.state !== 'drained') {
    const line = `draining: ${view.sessions} sessions, ${view.inFlight} messages in flight`
    if (line !== said) io.note(line)
    said = line
    if (clock.monotonicMs() > endsAtMs) {
      throw new CommandFailed(EXIT.negative, `not drained within ${deadlineMs} ms: ${line}`)
    }
    await pause(timers, 200)
    view = await client.get<DrainView>('/api/v1/drain')
  }
  io.out(output === 'json' ? jsonText(view) : 'drained: the node can be stopped')
}

/** `carillon transfer-leader [--to N]`. */
export async function transferLeader(
  client: NodeClient,
  options: { to: number | undefined; output: OutputForm },
  io: Io,
): Promise<void> {
  const before = await client.get<ClusterView>('/api/v1/cluster')
  const to = options.to ?? null
  if (to !== null && !before.members.some(member => member.id === to)) {
    const ids = before.members.map(member => member.id).join(', ')
    throw new CommandFailed(EXIT.usage, `no node ${to} in this cluster; there are ${ids}`)
  }
  const request: TransferRequest = { to }
  const after = await client.post<LeaderView>('/api/v1/transfer-leader', request)
  if (options.output === 'json') io.out(jsonText(after))
  else io.out(`node ${after.leader} leads (term ${after.term}); before: ${before.leader ?? 'none'}`)
}

/** `carillon resolve resend|drop ID…`: an operator's word on messages in doubt (DESIGN I6). True: it took all of them. */
export async function resolveInDoubt(
  client: NodeClient,
  ids: string[],
  options: { action: 'resend' | 'drop'; output: OutputForm },
  io: Io,
): Promise<boolean> {
  const { action, output } = options
  const request: ResolveRequest = { ids, action }
  const result = await client.post<ResolveResult>('/api/v1/in-doubt/resolve', request)
  const done = action === 'drop' ? 'dropped' : 'sent again'
  const rest = ids.length - result.resolved
  const others = rest === 0 ? '' : `; ${rest} not in doubt: see ./carillon get in-doubt`
  if (output === 'json') io.out(jsonText(result))
  else io.out(`${result.resolved} ${done}${others}`)
  return rest === 0
}

/** `carillon cancel ID`: what waits, and nothing else (docs/decisions/0013). */
export async function cancel(
  client: NodeClient,
  id: string,
  output: OutputForm,
  io: Io,
): Promise<void> {
  const view = await client.delete<MessageView>(`/api/v1/messages/${encodeURIComponent(id)}`)
  io.out(output === 'json' ? jsonText(view) : `message ${view.id} of ${view.account} is cancelled`)
}

export function pause(timers: Timers, ms: number): Promise<void> {
  return new Promise(resolve => timers.after(ms, resolve))
}
