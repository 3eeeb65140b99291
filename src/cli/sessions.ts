import type { ApplyResult, KickView, SessionView } from '../api/shapes.js'
import { CommandFailed, EXIT } from './failure.js'
import type { Io } from './io.js'
import { NodeRefused, type NodeClient } from './node-client.js'
import { jsonText, tableText, type Columns, type OutputForm } from './table.js'

const PATH = '/api/v1/sessions'
/** Sessions of an account that are unbound at once. */
const KICKS_AT_ONCE = 8

export interface Which {
  account?: string | undefined
  node?: number | undefined
}

/** `carillon sessions`: every session of the cluster, with what its node says of it. */
export async function sessions(
  client: NodeClient,
  which: Which,
  output: OutputForm,
  io: Io,
): Promise<void> {
  const views = await client.list<SessionView>(listPath({ ...which, activity: true }))
  io.out(output === 'json' ? jsonText(views) : tableText(views, LIVE_COLUMNS, io.paint))
  const silent = new Set(views.flatMap(view => (view.activity === null ? [view.node] : [])))
  if (silent.size > 0)
    io.note(`no answer of node ${[...silent].join(', ')}: what its sessions are doing is not known`)
}

/**
 * `carillon kick SESSION`, or all of an account. True: each of them has ended, or had before.
 * @throws CommandFailed where a session that was named is not there
 */
export async function kick(
  client: NodeClient,
  which: { session?: string | undefined; account?: string | undefined },
  output: OutputForm,
  io: Io,
): Promise<boolean> {
  const { session, account } = which
  if ((session === undefined) === (account === undefined))
    throw new CommandFailed(EXIT.usage, 'name a session, or all of an account with --account A')
  if (session !== undefined) {
    const view = await client.delete<KickView>(pathOf(session), KICK_MS)
    io.out(output === 'json' ? jsonText(view) : kickText(view))
    return view.committed
  }
  const ids = (await client.list<SessionView>(listPath({ account }))).map(({ id }) => id)
  if (ids.length === 0) {
    io.out(output === 'json' ? '[]' : `${account} has no sessions`)
    return true
  }
  const kicked: KickView[] = []
  let failures = 0
  const one = async (): Promise<void> => {
    for (let id = ids.shift(); id !== undefined; id = ids.shift())
      try {
        const view = await client.delete<KickView>(pathOf(id), KICK_MS)
        kicked.push(view)
        if (output === 'table') io.out(kickText(view))
      } catch (error) {
        if (error instanceof NodeRefused && error.status === 404) continue // it left by itself
        if (!(error instanceof CommandFailed)) throw error
        failures++
        io.note(`session ${id}: ${error.message}`)
      }
  }
  await Promise.all(Array.from({ length: KICKS_AT_ONCE }, one))
  if (output === 'json') io.out(jsonText(kicked))
  return failures === 0 && kicked.every(({ committed }) => committed)
}

/** `carillon account disable|enable`: on all nodes at one place in the log. */
export async function setEnabled(
  client: NodeClient,
  account: string,
  options: { enabled: boolean; output: OutputForm },
  io: Io,
): Promise<void> {
  const { enabled, output } = options
  const path = `/api/v1/accounts/${encodeURIComponent(account)}/${enabled ? 'enable' : 'disable'}`
  const result = await client.post<ApplyResult>(path, {})
  if (output === 'json') io.out(jsonText(result))
  else io.out(enabledText(account, enabled, result))
}

function enabledText(
  account: string,
  enabled: boolean,
  { changed, revision }: ApplyResult,
): string {
  const state = enabled ? 'enabled' : 'disabled'
  if (!changed) return `${account} is ${state} already (revision ${revision})`
  const done = `${account} is ${state} on all nodes: revision ${revision}`
  if (enabled) return done
  return `${done}
its sessions are unbound, binds and messages refused; what it has queued is still delivered, its receipts wait`
}

/** Longer than a node waits for an answer to its unbind, and for the session's end to be committed. */
const KICK_MS = 20_000

const pathOf = (id: string): string => `${PATH}/${encodeURIComponent(id)}`

function listPath(which: Which & { activity?: boolean }): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(which))
    if (value !== undefined) query.set(name, String(value))
  return `${PATH}?${query.toString()}`
}

function kickText({ id, systemId, node, answered, reason, committed }: KickView): string {
  const how = answered ? 'unbound' : `ended: ${reason}`
  const pending = committed ? '' : '; the cluster does not know it yet, for want of a quorum'
  return `session ${id} of ${systemId} on node ${node}: ${how}${pending}`
}

export const SESSION_COLUMNS: Columns<SessionView> = {
  session: session => session.id,
  account: session => session.systemId,
  bind: session => session.bindType,
  version: session => session.version,
  node: session => session.node,
  from: session => session.remoteAddress,
  since: session => session.boundAt,
}

/** `in`, `out`: requests without an answer, of the window that the account may use. */
const LIVE_COLUMNS: Columns<SessionView> = {
  ...SESSION_COLUMNS,
  in: ({ activity }) => (activity == null ? null : `${activity.unanswered}/${activity.window}`),
  out: ({ activity }) => (activity == null ? null : `${activity.delivering}/${activity.window}`),
  unsent: ({ activity }) => activity?.octetsWaiting ?? null,
  'last PDU': ({ activity }) => activity?.lastPduAt ?? null,
}
