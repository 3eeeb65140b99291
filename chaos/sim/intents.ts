import type { Random } from '../../src/base/random.js'
import { encodeBody, tlv } from '../../src/smpp/codec.js'
import { ESM_CLASS, REGISTERED_DELIVERY } from '../../src/smpp/constants.js'
import { formatRelative } from '../../src/smpp/times.js'
import type { Said } from './long-texts.js'
import type { Message } from './message-books.js'
import { LIST_REVISIONS, LISTS, settingsOf } from './settings.js'

/** What an ESME means to send once, however often it has to submit it. */
export interface Intent {
  /** The same for two intents exactly where a gateway has to call them the same message. */
  content: string
  /** Octets as Latin-1. */
  text: string
  data_coding: number
  destination_addr: string
  priority_flag: number
  wantsReceipt: boolean
  /** Intermediate ones. */
  wantsNotifications: boolean
  /** user_message_reference. */
  reference: number | undefined
  /** schedule_delivery_time, in seconds from each submit on; 0: at once. */
  delayS: number
  /** Its response is to say what became of it (docs/decisions/0023). */
  transaction: boolean
  /** Oldest first. */
  submits: Message[]
}

const REFERENCE_SHARE = 0.3
/** Of messages that are scheduled, and for how many seconds at most. */
const SCHEDULED_SHARE = 0.06
const DELAY_S_MAX = 4
/** What is longer goes as message_payload; some of what is not has to be cut too. */
const PAYLOAD_FROM = 200

/** A text that nobody has sent before; `references`: some get a user_message_reference. */
export function newIntent(
  random: Random,
  numbers: number,
  { text, data_coding }: Said,
  references: boolean,
): Intent {
  const wantsReceipt = random.unit() < 0.8
  const destination_addr = someNumber(random, numbers)
  const priority_flag = random.below(10) === 0 ? 1 : 0
  const referred = references && random.unit() < REFERENCE_SHARE
  const reference = referred ? random.below(65_536) : undefined
  const delayS = random.unit() < SCHEDULED_SHARE ? 1 + random.below(DELAY_S_MAX) : 0
  const transaction = false
  const fields = { text, data_coding, destination_addr, priority_flag, wantsReceipt, delayS }
  return withReference({ ...fields, wantsNotifications: false, transaction }, reference)
}

const someNumber = (random: Random, numbers: number): string =>
  `49${random.below(2)}7${String(random.below(numbers)).padStart(8, '0')}`

/** The same once more, on purpose; sometimes under a user_message_reference of its own. */
export function onceMore(intent: Intent, random: Random): Intent {
  const renamed = random.unit() < REFERENCE_SHARE
  return withReference(intent, renamed ? random.below(65_536) : intent.reference)
}

/** The same in transaction mode, which knows no schedule. */
export const inTransactionMode = (intent: Intent): Intent =>
  withReference({ ...intent, delayS: 0, transaction: true }, intent.reference)

/** The same, with intermediate notifications; none may have been submitted yet. */
export const withNotifications = (intent: Intent): Intent =>
  withReference({ ...intent, wantsNotifications: true }, intent.reference)

/** registered_delivery. Source: SMPP 3.4 §5.2.17 */
export const deliveryWanted = (of: Pick<Intent, 'wantsReceipt' | 'wantsNotifications'>): number =>
  (of.wantsReceipt ? REGISTERED_DELIVERY.always : 0) |
  (of.wantsNotifications ? REGISTERED_DELIVERY.intermediate : 0)

/** What is submitted at once: to several addresses, or to lists, it is a submit_multi. */
export interface Submission {
  /** By address: those that are named, then those that may be in one of the lists. They differ in nothing else. */
  intents: Intent[]
  /** How many of them are named. */
  named: number
  /** dl_names. */
  lists: readonly string[]
}

/** To its own address alone. */
export const alone = (intent: Intent): Submission => ({ intents: [intent], named: 1, lists: [] })

/** Of submit_multis: to so many addresses at most (two, and so many more), to a list, to an address that is refused. */
const MULTI_MORE = 5
const LISTS_SHARE = 0.4
const BAD_SHARE = 0.3

/** The same to others besides: a submit_multi. Their numbers differ. */
export function toMany(
  intent: Intent,
  account: string,
  numbers: number,
  random: Random,
): Submission {
  const all = new Map([[intent.destination_addr, intent]])
  const add = (destination_addr: string): void => {
    if (!all.has(destination_addr))
      all.set(destination_addr, withReference({ ...intent, destination_addr }, intent.reference))
  }
  const more = 1 + random.below(MULTI_MORE)
  for (let i = 0; i < more; i++) add(someNumber(random, numbers))
  if (random.unit() < BAD_SHARE) add(random.below(3) === 0 ? '' : `47${random.below(100)}`)
  const named = all.size
  const lists = random.unit() < LISTS_SHARE ? [LISTS[random.below(LISTS.length)]!] : []
  if (lists.length > 0 && random.below(3) === 0) lists.push(LISTS[random.below(LISTS.length)]!)
  for (const list of lists) for (const member of membersEver(account, list)) add(member)
  return { intents: [...all.values()], named, lists: [...new Set(lists)] }
}

/** Whoever is in the list that the account means, in any revision. */
function membersEver(account: string, name: string): string[] {
  return Array.from({ length: LIST_REVISIONS }, (_, revision) => settingsOf(revision))
    .flatMap(({ distributionLists = [] }) => distributionLists)
    .filter(list => list.name === name && (list.account ?? account) === account)
    .flatMap(({ members }) => members)
}

/** `tag` names this submit, where no fingerprint looks: so it is known upstream which of several arrived. */
export function bodyOf(intent: Intent, tag: string): Buffer {
  const { destination_addr } = intent
  return encodeBody('submit_sm', { destination_addr, ...fieldsOf(intent, tag) })
}

export function multiBodyOf({ intents, named, lists }: Submission, tag: string): Buffer {
  const to = intents.slice(0, named).map(({ destination_addr }) => ({
    dest_flag: 1 as const,
    dest_addr_ton: 0,
    dest_addr_npi: 0,
    destination_addr,
  }))
  const dest_address = [...to, ...lists.map(dl_name => ({ dest_flag: 2 as const, dl_name }))]
  return encodeBody('submit_multi', { dest_address, ...fieldsOf(intents[0]!, tag) })
}

function fieldsOf(intent: Intent, tag: string) {
  const { text, data_coding, priority_flag, reference, delayS, transaction } = intent
  const octets = Buffer.from(text, 'latin1')
  const asPayload = octets.length > PAYLOAD_FROM
  const tlvs = [tlv.octets('callback_num', Buffer.from(tag))]
  if (asPayload) tlvs.push(tlv.octets('message_payload', octets))
  if (reference !== undefined) tlvs.push(tlv.uint16('user_message_reference', reference))
  return {
    source_addr: '1000',
    esm_class: transaction ? ESM_CLASS.transaction : 0,
    priority_flag,
    schedule_delivery_time: delayS === 0 ? '' : formatRelative(delayS * 1000),
    registered_delivery: deliveryWanted(intent),
    data_coding,
    short_message: asPayload ? Buffer.alloc(0) : octets,
    tlvs,
  }
}

function withReference(
  fields: Omit<Intent, 'content' | 'reference' | 'submits'>,
  reference: number | undefined,
): Intent {
  const { text, data_coding, destination_addr, priority_flag, wantsReceipt, delayS } = fields
  const { wantsNotifications, transaction } = fields
  const mode = transaction ? ' in transaction mode' : ''
  const content = `${text} to ${destination_addr} as ${reference ?? 'none'}${mode}`
  return {
    content,
    text,
    data_coding,
    destination_addr,
    priority_flag,
    wantsReceipt,
    wantsNotifications,
    delayS,
    transaction,
    reference,
    submits: [],
  }
}
