import type { Address } from '../base/address.js'

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
  /** The longest pause between two attempts of a session to bind; pauses grow up to it. Default 5 s. */
  backOffMsMax: number
  /** Without any session for so long it ends. Default 60 s. */
  giveUpMs: number
  /** Sends again what is in doubt, or was refused for a while (throttled, full, system error). Default false. */
  resubmit: boolean
  receipts: boolean
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
  backOffMsMax: 5_000,
  giveUpMs: 60_000,
  resubmit: false,
  receipts: true,
  text: 'Carillon {tag}',
  octets: 0,
  to: '467########',
  from: '12345',
  serviceType: '',
  validityPeriod: '',
  journal: null,
  onEvent: () => undefined,
}

/** Whether receipts are asked for and can come. */
export function awaitsReceipts({ receipts, bind }: EsmeOptions): boolean {
  return receipts && bind !== 'tx'
}
