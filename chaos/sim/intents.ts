import type { Random } from '../../src/base/random.js'
import { encodeBody, tlv } from '../../src/smpp/codec.js'
import { formatRelative } from '../../src/smpp/times.js'
import type { Message } from './message-books.js'

/** What an ESME means to send once, however often it has to submit it. */
export interface Intent {
  /** The same for two intents exactly where a gateway has to call them the same message. */
  content: string
  text: string
  destination_addr: string
  priority_flag: number
  wantsReceipt: boolean
  /** user_message_reference. */
  reference: number | undefined
  /** schedule_delivery_time, in seconds from each submit on; 0: at once. */
  delayS: number
  /** Oldest first. */
  submits: Message[]
}

const REFERENCE_SHARE = 0.3
/** Of messages that are scheduled, and for how many seconds at most. */
const SCHEDULED_SHARE = 0.06
const DELAY_S_MAX = 4

/** A text that nobody has sent before; `references`: some get a user_message_reference. */
export function newIntent(
  random: Random,
  numbers: number,
  text: string,
  references: boolean,
): Intent {
  const wantsReceipt = random.unit() < 0.8
  const destination_addr = someNumber(random, numbers)
  const priority_flag = random.below(10) === 0 ? 1 : 0
  const referred = references && random.unit() < REFERENCE_SHARE
  const reference = referred ? random.below(65_536) : undefined
  const delayS = random.unit() < SCHEDULED_SHARE ? 1 + random.below(DELAY_S_MAX) : 0
  return withReference({ text, destination_addr, priority_flag, wantsReceipt, delayS }, reference)
}

const someNumber = (random: Random, numbers: number): string =>
  `49${random.below(2)}7${String(random.below(numbers)).padStart(8, '0')}`

/** The same once more, on purpose; sometimes under a user_message_reference of its own. */
export function onceMore(intent: Intent, random: Random): Intent {
  const renamed = random.unit() < REFERENCE_SHARE
  return withReference(intent, renamed ? random.below(65_536) : intent.reference)
}

/** The same to others besides: a submit_multi. Their numbers differ. */
export function toMany(intent: Intent, count: number, numbers: number, random: Random): Intent[] {
  const all = new Map([[intent.destination_addr, intent]])
  for (let i = 1; i < count; i++) {
    const destination_addr = someNumber(random, numbers)
    if (!all.has(destination_addr))
      all.set(destination_addr, withReference({ ...intent, destination_addr }, intent.reference))
  }
  return [...all.values()]
}

/** `tag` names this submit, where no fingerprint looks: so it is known upstream which of several arrived. */
export function bodyOf(intent: Intent, tag: string): Buffer {
  const { destination_addr } = intent
  return encodeBody('submit_sm', { destination_addr, ...fieldsOf(intent, tag) })
}

/** The submit_multi of several that differ in their destinations alone. */
export function multiBodyOf(intents: readonly Intent[], tag: string): Buffer {
  const dest_address = intents.map(({ destination_addr }) => ({
    dest_flag: 1 as const,
    dest_addr_ton: 0,
    dest_addr_npi: 0,
    destination_addr,
  }))
  return encodeBody('submit_multi', { dest_address, ...fieldsOf(intents[0]!, tag) })
}

function fieldsOf(intent: Intent, tag: string) {
  const { text, priority_flag, wantsReceipt, reference, delayS } = intent
  const tlvs = [tlv.octets('callback_num', Buffer.from(tag))]
  if (reference !== undefined) tlvs.push(tlv.uint16('user_message_reference', reference))
  return {
    source_addr: '1000',
    priority_flag,
    schedule_delivery_time: delayS === 0 ? '' : formatRelative(delayS * 1000),
    registered_delivery: wantsReceipt ? 1 : 0,
    short_message: Buffer.from(text),
    tlvs,
  }
}

function withReference(
  fields: Pick<Intent, 'text' | 'destination_addr' | 'priority_flag' | 'wantsReceipt' | 'delayS'>,
  reference: number | undefined,
): Intent {
  const { text, destination_addr, priority_flag, wantsReceipt, delayS } = fields
  const content = `${text} to ${destination_addr} as ${reference ?? 'none'}`
  return {
    content,
    text,
    destination_addr,
    priority_flag,
    wantsReceipt,
    delayS,
    reference,
    submits: [],
  }
}
