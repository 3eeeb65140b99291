import type { Address } from '../base/address.js'
import type { Tlv } from '../smpp/codec.js'
import { REGISTERED_DELIVERY } from '../smpp/constants.js'

export const SUBMIT_PDUS = ['submit_sm', 'data_sm', 'submit_multi'] as const
export const MODES = ['default', 'datagram', 'transaction', 'store_and_forward'] as const

export interface EsmeOptions {
  /** Sessions are spread over them in turn; a session that breaks goes on to the next. */
  addresses: Address[]
  /** Speaks TLS, and trusts the certificates in this PEM; null: plain TCP. Default null. */
  ca: string | null
  /** A session that breaks goes back to its own address instead. Default false. */
  sticky: boolean
  /** Default 1. With `tx+rx` each is a transmitter and a receiver. */
  sessions: number
  /** Default trx. */
  bind: 'trx' | 'tx+rx' | 'tx' | 'rx'
  systemId: string
  password: string
  systemType: string
  /** Unanswered submit_sm a session. Default 100. */
  window: number
  /** Messages a second over all sessions, sent at their time whatever the answers do; null: as fast as windows allow. */
  rate: number | null
  /**
   * Acknowledged messages that may wait for their receipts: while so many do, nothing new is sent, so that
   * a load without a rate is bounded by what comes back. Null: any number. Default null.
   */
  awaitedMax: number | null
  /** Messages to send; null: until the duration is over, or `stopSending`. */
  count: number | null
  /** How long to send; null: until the count is reached. */
  durationMs: number | null
  /** Latency and throughput of the beginning that are left out. Default 0. */
  warmUpMs: number
  /** How long to wait for receipts afterwards. Default 60 s. */
  settleMs: number
  /** How long to wait for what nobody expects (second receipts) after that. Default 0. */
  lingerMs: number
  /** From submit_sm to its answer; afterwards the message is in doubt. Default 30 s. */
  responseTimeoutMs: number
  /** Silence after which a session sends enquire_link, and after which it is given up. Default 15 s and 60 s. */
  enquireLinkMs: number
  inactivityTimeoutMs: number
  /** The longest pause between two attempts of a session to bind; pauses grow up to it. Default 5 s. */
  backOffMsMax: number
  /** Without any session for so long it ends. Default 60 s. */
  giveUpMs: number
  /** Sends again what is in doubt, or was refused for a while (throttled, full, system error). Default false. */
  resubmit: boolean
  receipts: boolean
  /** What messages are submitted with. Default submit_sm. */
  pdu: (typeof SUBMIT_PDUS)[number]
  /** Of each submit_multi, 1 to 254; `#` in `to` makes them different. Default 1. */
  destinations: number
  /** Messaging mode of esm_class. In transaction mode no receipts are asked for: the response says it. Default: the SMSC's. */
  mode: (typeof MODES)[number]
  /** The octet as it is sent, instead of what `receipts` says; null: what it says. Default null. */
  registeredDelivery: number | null
  /** Of each message. Default none. */
  tlvs: Tlv[]
  /** Shares of the acknowledged messages that are queried, cancelled, replaced, each once. Default 0. */
  queries: number
  cancels: number
  replaces: number
  /** From the acknowledgement to that. Default 0. */
  operationDelayMs: number
  text: string
  /** Fills the text up; 0: not. Default 0. */
  octets: number
  to: string
  from: string
  serviceType: string
  validityPeriod: string
  /** File for every outcome; see EsmeJournal. Null: none. */
  journal: string | null
  /** Hears of binds and breaks, a sentence each. */
  onEvent: (event: string) => void
}

export const ESME_DEFAULTS: EsmeOptions = {
  addresses: [{ host: '127.0.0.1', port: 2775 }],
  ca: null,
  sticky: false,
  sessions: 1,
  bind: 'trx',
  systemId: 'esme1',
  password: 'secret1',
  systemType: '',
  window: 100,
  rate: null,
  awaitedMax: null,
  count: null,
  durationMs: null,
  warmUpMs: 0,
  settleMs: 60_000,
  lingerMs: 0,
  responseTimeoutMs: 30_000,
  enquireLinkMs: 15_000,
  inactivityTimeoutMs: 60_000,
  backOffMsMax: 5_000,
  giveUpMs: 60_000,
  resubmit: false,
  receipts: true,
  pdu: 'submit_sm',
  destinations: 1,
  mode: 'default',
  registeredDelivery: null,
  tlvs: [],
  queries: 0,
  cancels: 0,
  replaces: 0,
  operationDelayMs: 0,
  text: 'Carillon {tag}',
  octets: 0,
  to: '467########',
  from: '12345',
  serviceType: '',
  validityPeriod: '',
  journal: null,
  onEvent: () => undefined,
}

/** registered_delivery of every message. */
export function registeredDeliveryOf(
  options: Pick<EsmeOptions, 'receipts' | 'mode' | 'registeredDelivery'>,
): number {
  const { receipts, mode, registeredDelivery } = options
  if (registeredDelivery !== null) return registeredDelivery
  return receipts && mode !== 'transaction' ? REGISTERED_DELIVERY.always : REGISTERED_DELIVERY.none
}

/** Whether a receipt of every message is asked for and can come. */
export function awaitsReceipts(options: EsmeOptions): boolean {
  const asked = registeredDeliveryOf(options) & REGISTERED_DELIVERY.receipt_mask
  return (
    asked === REGISTERED_DELIVERY.always && options.mode !== 'transaction' && options.bind !== 'tx'
  )
}
