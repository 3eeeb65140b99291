import { z } from 'zod'
import type { Random } from '../base/random.js'
import { COMMAND_STATUS, type CommandStatus } from '../smpp/command-status.js'
import { RECEIPT_STATS, type MessageState } from '../smpp/constants.js'
import { stateOfStat } from './receipt-text.js'
import { isCommandStatus, statusNumber } from './units.js'

/** How the simulated SMSC behaves; all of it may change while it runs. */
export interface SmscBehaviour {
  /** From a submit_sm to its response; with `exponential` the mean. Default 0: at once. */
  delayMs: number
  delayDistribution: 'fixed' | 'exponential'
  /** Share of submits that are refused, with a status drawn from `errors`. Default 0. */
  errorRate: number
  /** command_status by weight, by name or number (`0x411`). Default ESME_RSYSERR. */
  errors: Record<string, number>
  /** Submits a second that are taken; more are answered ESME_RTHROTTLED. Null: no limit. */
  throttlePerSecond: number | null
  /** Share of accepted messages, of those that asked for one, that get a receipt. Default 1. */
  receipts: number
  /** From the acceptance to the receipt. Default 0. */
  receiptDelayMs: number
  /** `stat` by weight. Default DELIVRD. */
  receiptStates: Record<string, number>
  /** Share of those that asked for intermediate notifications that get one, half-way to the receipt. Default 1. */
  notifications: number
  /** Share of a submit_multi's destinations that are refused, each with a status drawn from `errors`. Default 0. */
  multiUnsuccess: number
  /** How ids look in submit_sm_resp, and how in receipts. Default text. */
  submitIdFormat: IdFormat
  receiptIdFormat: IdFormat
  /** Whether receipts say it by text, by TLVs, or both. Default both. */
  receiptForm: 'both' | 'text' | 'tlv'
  /** The connection is cut at every so many submits it sent; 0: never. */
  disconnectEvery: number
  /** Share of messages that are accepted, receipt and all, but never answered. Default 0. */
  noResponseRate: number
  /** The receipt goes out first, the response 50 ms later. Default false. */
  receiptBeforeResponse: boolean
  /** Messages a second that are made up and sent to whoever is bound. Default 0. */
  moPerSecond: number
  /** Destination and source of those; `#` stands for digits of the message's number. */
  moTo: string
  moFrom: string
  /** Of each of them so many deliver_sm, in short messages of 120 characters. Default 1, at most 255. */
  moParts: number
  /** How parts say what belongs together: a reference of 8 or 16 bits in a header, or the sar TLVs. Default udh8. */
  moConcatenation: MoConcatenation
  /** Binds are refused with this; null: they are taken. */
  refuseBinds: CommandStatus | null
}

export type IdFormat = 'text' | 'hex' | 'dec'

export const MO_CONCATENATIONS = ['udh8', 'udh16', 'sar'] as const
export type MoConcatenation = (typeof MO_CONCATENATIONS)[number]

export const DEFAULT_BEHAVIOUR: SmscBehaviour = {
  delayMs: 0,
  delayDistribution: 'fixed',
  errorRate: 0,
  errors: { ESME_RSYSERR: 1 },
  throttlePerSecond: null,
  receipts: 1,
  receiptDelayMs: 0,
  receiptStates: { DELIVRD: 1 },
  notifications: 1,
  multiUnsuccess: 0,
  submitIdFormat: 'text',
  receiptIdFormat: 'text',
  receiptForm: 'both',
  disconnectEvery: 0,
  noResponseRate: 0,
  receiptBeforeResponse: false,
  moPerSecond: 0,
  moTo: '12345',
  moFrom: '4670000####',
  moParts: 1,
  moConcatenation: 'udh8',
  refuseBinds: null,
}

const share = z.number().min(0).max(1)
const weighted = z
  .record(z.string(), z.number().positive())
  .refine(value => Object.keys(value).length > 0, 'expected at least one')
const idFormat = z.enum(['text', 'hex', 'dec'])

/** What POST /fault takes: any of the settings; those left out stay as they are. */
export const BEHAVIOUR_CHANGE = z
  .strictObject({
    delayMs: z.number().min(0).max(3_600_000),
    delayDistribution: z.enum(['fixed', 'exponential']),
    errorRate: share,
    errors: weighted.refine(
      value => Object.keys(value).every(isErrorStatus),
      'expected names such as ESME_RSYSERR, or numbers such as 0x411',
    ),
    throttlePerSecond: z.number().positive().nullable(),
    receipts: share,
    receiptDelayMs: z.number().min(0).max(86_400_000),
    receiptStates: weighted.refine(
      value => Object.keys(value).every(isStat),
      `expected ${Object.values(RECEIPT_STATS).join(', ')}`,
    ),
    notifications: share,
    multiUnsuccess: share,
    submitIdFormat: idFormat,
    receiptIdFormat: idFormat,
    receiptForm: z.enum(['both', 'text', 'tlv']),
    disconnectEvery: z.number().int().min(0),
    noResponseRate: share,
    receiptBeforeResponse: z.boolean(),
    moPerSecond: z.number().min(0).max(1_000_000),
    moTo: z.string().regex(/^[\d#]{1,20}$/),
    moFrom: z.string().regex(/^[\d#]{1,20}$/),
    moParts: z.number().int().min(1).max(255),
    moConcatenation: z.enum(MO_CONCATENATIONS),
    refuseBinds: z
      .string()
      .refine(name => isCommandStatus(name) && name !== 'ESME_ROK')
      .nullable(),
  })
  .partial()

/** A command_status by name or number, and not ESME_ROK. */
export function isErrorStatus(text: string): boolean {
  return (statusNumber(text) ?? 0) !== 0
}

export function isStat(word: string): boolean {
  return stateOfStat(word) !== undefined
}

/** The behaviour, ready to be drawn from for every message. */
export class SmscFaults {
  readonly behaviour: SmscBehaviour
  private readonly random: Random
  private readonly errors: Weighted<number>
  private readonly states: Weighted<MessageState>
  private tokens = 0
  private filledAtMs = 0

  constructor(behaviour: SmscBehaviour, random: Random) {
    this.behaviour = behaviour
    this.random = random
    this.errors = weightedBy(
      behaviour.errors,
      text => statusNumber(text) ?? COMMAND_STATUS.ESME_RSYSERR,
    )
    this.states = weightedBy(behaviour.receiptStates, stat => stateOfStat(stat) ?? 'UNKNOWN')
  }

  /** The status a submit gets: 0, one of `errors`, or ESME_RTHROTTLED. */
  verdict(atMs: number): number {
    const { throttlePerSecond, errorRate } = this.behaviour
    if (throttlePerSecond !== null && !this.take(throttlePerSecond, atMs)) {
      return COMMAND_STATUS.ESME_RTHROTTLED
    }
    return this.chance(errorRate) ? draw(this.errors, this.random) : 0
  }

  /** The error of one destination of a submit_multi; 0: it is taken. */
  unsuccess(): number {
    return this.chance(this.behaviour.multiUnsuccess) ? draw(this.errors, this.random) : 0
  }

  /** Until the response, ms. */
  responseDelay(): number {
    const { delayMs, delayDistribution, receiptBeforeResponse } = this.behaviour
    const drawn = delayDistribution === 'fixed' ? 1 : -Math.log(1 - this.random.unit())
    const ms = delayMs === 0 ? 0 : delayMs * drawn
    return receiptBeforeResponse ? Math.max(OVERTAKEN_MS, ms) : ms
  }

  /** Whether the message is taken but never answered. */
  swallows(): boolean {
    return this.chance(this.behaviour.noResponseRate)
  }

  makesReceipt(): boolean {
    return this.chance(this.behaviour.receipts)
  }

  makesNotification(): boolean {
    return this.chance(this.behaviour.notifications)
  }

  receiptState(): MessageState {
    return draw(this.states, this.random)
  }

  private chance(share: number): boolean {
    return share > 0 && (share >= 1 || this.random.unit() < share)
  }

  /** A token bucket that holds a tenth of a second's worth, at least one. */
  private take(ratePerSecond: number, atMs: number): boolean {
    const gained = ((atMs - this.filledAtMs) * ratePerSecond) / 1000
    this.filledAtMs = atMs
    this.tokens = Math.min(Math.max(1, ratePerSecond / 10), this.tokens + gained)
    if (this.tokens < 1) return false
    this.tokens--
    return true
  }
}

const OVERTAKEN_MS = 50

interface Weighted<T> {
  values: T[]
  /** Running sums of the weights. */
  sums: number[]
}

function weightedBy<T>(weights: Record<string, number>, valueOf: (name: string) => T): Weighted<T> {
  let sum = 0
  const sums = Object.values(weights).map(weight => (sum += weight))
  return { values: Object.keys(weights).map(valueOf), sums }
}

function draw<T>({ values, sums }: Weighted<T>, random: Random): T {
  if (values.length === 1) return values[0]!
  const at = random.unit() * sums.at(-1)!
  return values[sums.findIndex(sum => at < sum)]!
}
