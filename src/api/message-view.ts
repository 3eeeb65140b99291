import type { Journal, Ref, StoredMessage } from '../journal/index.js'
import {
  indexOf,
  MARK,
  MESSAGE_STATE,
  offsetOf,
  RECEIPT_STATS,
  writeSmscId,
} from '../journal/index.js'
import { defaultAlphabetOf, type Connector, type MessageIdFormat } from '../policy/settings.js'
import type { DefaultAlphabet } from '../text/alphabets.js'
import { shownText, type ShownText } from '../text/message-text.js'
import type { MessageEvent, MessageStateName, MessageView, SmscIdForm } from './shapes.js'

/**
 * The message of an id, long or short; undefined where there is none, or its retention is over.
 *
 * @param withText  its text too, as its ESME wrote it: not for everybody's eyes
 */
export function messageView(
  journal: Journal,
  id: string,
  withText = false,
): MessageView | undefined {
  for (const ref of journal.refsOf(id)) {
    const view = viewOf(journal, ref, withText)
    if (view !== undefined) return view
  }
  return undefined
}

function viewOf(journal: Journal, ref: Ref, withText: boolean): MessageView | undefined {
  const { state } = journal
  const block = state.blocks.get(indexOf(ref))
  const offset = offsetOf(ref)
  if (block === undefined || offset >= block.count) return undefined
  const mark = block.mark(offset)
  if (mark === MARK.REFUSED || mark === MARK.WAITING || mark === MARK.DELIVERED) return undefined
  const connector = state.connectors.get(block.connector(offset))
  const account = state.accounts.get(block.account(offset))
  const messageState = nameOf(block.state(offset))
  const error = block.error(offset)
  const failure = error === 0 ? undefined : `error ${error}`

  const events: MessageEvent[] = [event(block.proposedAtMs, 'queued', connector?.id)]
  const stored = journal.message(ref)
  if (stored?.kind === 'submit' && stored.dueAtMs > 0)
    events.push(event(block.proposedAtMs, 'scheduled', `due ${isoTime(stored.dueAtMs)}`))
  const claimedAtMs = block.at(offset, 'claimed')
  const sentAtMs = block.at(offset, 'sent')
  const finalAtMs = block.at(offset, 'final')
  const attempts = block.attempts(offset)
  if (claimedAtMs > 0)
    events.push(event(claimedAtMs, 'claimed', attempts > 1 ? `attempt ${attempts}` : undefined))
  const doubt = connector?.doubts.get(ref)
  if (doubt !== undefined) {
    const held = connector?.settings?.inDoubt.kind === 'hold'
    events.push(event(doubt.sinceMs, held ? 'held' : 'in doubt'))
  }
  const dueAtMs = connector?.retries.get(ref)
  if (dueAtMs !== undefined)
    events.push(event(claimedAtMs, 'retry', `${failure ?? 'error'}, due ${isoTime(dueAtMs)}`))
  const smscId = block.smscId(offset)
  const replaced = block.replaced(offset)
  // The octets of a replacement go when it is sent: what is left is what it has replaced.
  const lasting = replaced && block.replacement(offset) === undefined ? undefined : stored
  if (sentAtMs > 0) events.push(event(sentAtMs, 'sent', connector?.id))
  if (finalAtMs > 0) events.push(event(finalAtMs, messageState, failure))
  return {
    id: journal.idOf(ref),
    ...(block.isShort(offset) ? { shortId: journal.shownIdOf(ref) } : {}),
    state: messageState,
    connector: connector?.id ?? null,
    smscId: smscId === '' ? null : smscId,
    smscIdForms: formsOf(smscId, connector?.settings?.messageIdFormat),
    replaced,
    events,
    account: account?.systemId ?? '',
    stat: finalAtMs > 0 ? RECEIPT_STATS[messageState] : null,
    ...(withText ? { content: contentOf(lasting, defaultAlphabetOf(account?.settings)) } : {}),
  }
}

function contentOf(stored: StoredMessage | undefined, ofZero: DefaultAlphabet): ShownText | null {
  if (stored?.kind !== 'submit') return null
  return shownText(stored.body, 'submit_sm', ofZero) ?? null
}

/** How the SMSC writes an id, where that is not as it is compared. */
function formsOf(
  smscId: string,
  formats: Connector['messageIdFormat'] | undefined,
): MessageView['smscIdForms'] {
  if (smscId === '' || formats === undefined) return null
  const { submit, receipt } = formats
  if (submit === 'text' && receipt === 'text') return null
  const form = (format: MessageIdFormat): SmscIdForm => ({
    format,
    id: writeSmscId(smscId, format),
  })
  return { submit: form(submit), receipt: form(receipt) }
}

/** ISO 8601 in UTC with milliseconds. */
export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString()
}

function event(atMs: number, state: string, detail?: string): MessageEvent {
  return { at: isoTime(atMs), state, ...(detail === undefined ? {} : { detail }) }
}

/** A message has no state of its own before it is sent: it is under way. */
function nameOf(state: number): MessageStateName {
  return NAMES.get(state) ?? 'ENROUTE'
}

const NAMES: ReadonlyMap<number, MessageStateName> = new Map(
  Object.entries(MESSAGE_STATE)
    .filter(([name]) => name !== 'NONE')
    .map(([name, value]) => [value, name as MessageStateName]),
)
