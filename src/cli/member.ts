import type { AddMemberRequest, MemberDetail, MembersView } from '../api/shapes.js'
import { CommandFailed, EXIT } from './failure.js'
import type { Io } from './io.js'
import type { NodeClient } from './node-client.js'
import { NodeRefused } from './node-client.js'
import { pause, type Waiting } from './operate.js'
import { jsonText, tableText, type OutputForm } from './table.js'

const LOOK_MS = 500
/** A drain, and a membership change. */
const REMOVE_MS = 60_000

const PATH = '/api/v1/members'

/** `carillon member list`. */
export async function memberList(client: NodeClient, output: OutputForm, io: Io): Promise<void> {
  const view = await client.get<MembersView>(PATH)
  io.out(output === 'json' ? jsonText(view) : membersText(view, io.paint))
}

/**
 * `carillon member add`: a learner, which becomes a voter when it has caught up. Ended in between and given
 * again, it goes on where it was.
 */
export async function memberAdd(
  client: NodeClient,
  options: AddMemberRequest & { timeoutMs: number; output: OutputForm },
  io: Io,
  { clock, timers }: Waiting,
): Promise<void> {
  const { id, address, timeoutMs, output } = options
  const untilMs = clock.monotonicMs() + timeoutMs
  const request: AddMemberRequest = { id, address }
  let view = await client.post<MembersView>(PATH, request)
  io.note(`node ${id} is added at ${address}; it votes when it has caught up`)
  let said = ''
  for (;;) {
    const member = view.members.find(one => one.id === id)
    if (member === undefined)
      throw new CommandFailed(EXIT.negative, `node ${id} was removed again meanwhile`)
    if (member.role === 'voter') break
    const line = progress(member, view)
    if (line !== said) io.note(line)
    said = line
    if (clock.monotonicMs() > untilMs)
      throw new CommandFailed(
        EXIT.negative,
        `node ${id} is a learner and does not vote yet (${line}): give the same command again once it runs`,
      )
    if (member.caughtUp) {
      const promoted = await promote(client, id)
      if (promoted === undefined) await pause(timers, LOOK_MS)
      view = promoted ?? (await client.get<MembersView>(PATH))
    } else {
      await pause(timers, LOOK_MS)
      view = await client.get<MembersView>(PATH)
    }
  }
  if (output === 'json') io.out(jsonText(view))
  else io.out(`node ${id} is a voter\n\n${membersText(view, io.paint)}`)
}

/** `carillon member remove`. */
export async function memberRemove(
  client: NodeClient,
  id: number,
  output: OutputForm,
  io: Io,
): Promise<void> {
  const view = await client.delete<MembersView>(`${PATH}/${id}`, REMOVE_MS)
  for (const warning of view.warnings) io.note(io.paint.yellow(warning))
  if (output === 'json') io.out(jsonText(view))
  else io.out(`node ${id} is no member any more\n\n${membersText(view, io.paint)}`)
}

/** Undefined where it has just fallen behind again. */
async function promote(client: NodeClient, id: number): Promise<MembersView | undefined> {
  try {
    return await client.post<MembersView>(`${PATH}/${id}/promote`, {})
  } catch (error) {
    if (error instanceof NodeRefused && /has not caught up|is not heard/.test(error.message))
      return undefined
    throw error
  }
}

function progress({ id, alive, lag, matchIndex }: MemberDetail, view: MembersView): string {
  if (view.leader === null) return 'waiting: there is no leader'
  if (!alive) return `waiting for node ${id}: start it, with a node file that names these members`
  return `node ${id} catches up: ${matchIndex ?? 0} of ${view.commitIndex} entries, ${lag ?? '?'} to go`
}

function membersText(view: MembersView, paint: Io['paint']): string {
  return tableText(
    view.members,
    {
      node: member => member.id,
      address: member => member.address,
      role: member => (member.id === view.leader ? 'leader' : member.role),
      alive: member => (member.alive ? 'yes' : paint.red('no')),
      lag: member => member.lag,
    },
    paint,
  )
}
