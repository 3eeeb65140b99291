/** Type of number. Source: SMPP 3.4 §5.2.5. */
export const TON = {
  unknown: 0,
  international: 1,
  national: 2,
  network_specific: 3,
  subscriber_number: 4,
  alphanumeric: 5,
  abbreviated: 6,
} as const

/** Numbering plan indicator. Source: SMPP 3.4 §5.2.6. */
export const NPI = {
  unknown: 0,
  isdn: 1,
  data: 3,
  telex: 4,
  land_mobile: 6,
  national: 8,
  private: 9,
  ermes: 10,
  internet: 14,
  wap: 18,
} as const

/** Bits of esm_class. Source: SMPP 3.4 §5.2.12. */
export const ESM_CLASS = {
  mode_mask: 0x03,
  datagram: 0x01,
  transaction: 0x02,
  store_and_forward: 0x03,
  type_mask: 0x3c,
  /** deliver_sm: an SMSC delivery receipt. */
  receipt: 0x04,
  /** deliver_sm: an SME's acknowledgement of delivery; submit_sm: ours. */
  delivery_acknowledgement: 0x08,
  manual_acknowledgement: 0x10,
  conversation_abort: 0x18,
  intermediate_notification: 0x20,
  /** The short message begins with a user data header. */
  udhi: 0x40,
  reply_path: 0x80,
} as const

/** Forward, that is transaction mode: the response says what became of the message. Source: SMPP 3.4 §2.10.3, §5.2.12. */
export const isTransaction = (esm_class: number): boolean =>
  (esm_class & ESM_CLASS.mode_mask) === ESM_CLASS.transaction

/** Bits of registered_delivery. Source: SMPP 3.4 §5.2.17; `success` is SMPP 5.0 §4.7.21. */
export const REGISTERED_DELIVERY = {
  receipt_mask: 0x03,
  none: 0x00,
  always: 0x01,
  failure: 0x02,
  success: 0x03,
  sme_ack_mask: 0x0c,
  intermediate: 0x10,
} as const

/** What data_coding says of the text. Source: SMPP 3.4 §5.2.19. */
export const DATA_CODING = {
  smsc_default: 0,
  ia5: 1,
  octets: 2,
  latin1: 3,
  octets_8bit: 4,
  ucs2: 8,
} as const

/** message_state. Source: SMPP 3.4 §5.2.28; SCHEDULED and SKIPPED are SMPP 5.0 §4.7.15. */
export const MESSAGE_STATE = {
  SCHEDULED: 0,
  ENROUTE: 1,
  DELIVERED: 2,
  EXPIRED: 3,
  DELETED: 4,
  UNDELIVERABLE: 5,
  ACCEPTED: 6,
  UNKNOWN: 7,
  REJECTED: 8,
  SKIPPED: 9,
} as const

export type MessageState = keyof typeof MESSAGE_STATE

const STATES = new Map<number, MessageState>(
  Object.entries(MESSAGE_STATE).map(([name, value]) => [value, name as MessageState]),
)

/** The name of a message_state, or undefined where the standard has none. */
export function messageState(value: number): MessageState | undefined {
  return STATES.get(value)
}

/** The word after `stat:` in a receipt's text, by message_state. Source: SMPP 3.4 appendix B, table B-2. */
export const RECEIPT_STATS: Readonly<Record<MessageState, string>> = {
  SCHEDULED: 'SCHEDLD',
  ENROUTE: 'ENROUTE',
  DELIVERED: 'DELIVRD',
  EXPIRED: 'EXPIRED',
  DELETED: 'DELETED',
  UNDELIVERABLE: 'UNDELIV',
  ACCEPTED: 'ACCEPTD',
  UNKNOWN: 'UNKNOWN',
  REJECTED: 'REJECTD',
  SKIPPED: 'SKIPPED',
}

/** States after which nothing more happens to a message. */
export function isFinal(state: MessageState): boolean {
  return state !== 'SCHEDULED' && state !== 'ENROUTE' && state !== 'ACCEPTED'
}

/** interface_version. Source: SMPP 3.4 §5.2.4: 0x33 and below are version 3.3 or earlier. */
export const INTERFACE_VERSION = { v33: 0x33, v34: 0x34, v50: 0x50 } as const

/** Longest short_message, in octets. Source: SMPP 3.4 §5.2.21. */
export const SHORT_MESSAGE_MAX = 254
