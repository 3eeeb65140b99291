import type { Applying } from './apply.js'
import { trimQueue } from './apply-dispatch.js'
import { MESSAGE_STATE } from './marks.js'
import type { Cancel, CommandResult } from './commands.js'
import type { ConnectorState } from './connectors.js'
import { MESSAGES_PER_ENTRY } from './ids.js'
import { conclude, detach, isPending, subjectOf } from './message-life.js'
import { refused } from './results.js'

/** Connectors of one command whose queues are trimmed: so that apply's work has a bound. */
const TRIMMED_MAX = 4

/**
 * Ends messages of the account that wait, in the queue or for a retry, and of which no SMSC can have a copy:
 * DELETED. A claim that came earlier in the log wins. What is anything else, or anybody else's, stays as it is.
 *
 * Source: SMPP 3.4 §4.9: what is still pending delivery is cancelled.
 */
export function applyCancel(applying: Applying, { account, refs }: Cancel): CommandResult {
  const { state, entry, effects } = applying
  const known = state.accounts.get(account)
  if (known === undefined) return refused('noAccount')
  const connectors = new Set<ConnectorState>()
  let cancelled = 0
  for (const ref of refs.slice(0, MESSAGES_PER_ENTRY)) {
    const subject = subjectOf(applying, ref)
    if (subject === undefined || !isPending(subject, account)) continue
    // Submitted again it is another message: this one goes nowhere.
    known.resubmissions.drop(ref)
    detach(applying, subject)
    const error = subject.block.error(subject.offset)
    conclude(applying, subject, MESSAGE_STATE.DELETED, error, entry.proposedAtMs)
    connectors.add(subject.connector)
    cancelled++
  }
  let left = TRIMMED_MAX
  for (const connector of connectors) {
    if (left-- > 0) trimQueue(applying, connector)
    effects.wakeConnector(connector.home?.node, connector.number) // fewer retries: it may claim again
  }
  state.hash.mix(cancelled)
  return { ok: true, cancelled }
}
