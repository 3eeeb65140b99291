import type { SubmitReader } from '../smpp/submit-reader.js'
import { parseTime } from '../smpp/times.js'
import { TLV_TAGS } from '../smpp/tlv-tags.js'
import type { RefusalCode } from './refusals.js'

/** A schedule_delivery_time that has passed by no more than this means now: clocks differ. */
const PAST_MS = 60_000

/** Both in ms since the Unix epoch. */
export interface SubmitTimes {
  /** Not to be sent before; 0: at once. */
  dueAtMs: number
  /** 0: the gateway's default validity. */
  expiresAtMs: number
}

const NONE: SubmitTimes = { dueAtMs: 0, expiresAtMs: 0 }

/**
 * When a submit that was read may be sent, and when it expires. The default validity of what is scheduled begins when it
 * is due. Source: SMPP 3.4 §4.4.1, §7.1.1; qos_time_to_live: §5.3.2.32.
 *
 * @param validityMs   the default
 * @param maySchedule  false: no schedule_delivery_time is taken
 */
export function timesOf(
  reader: SubmitReader,
  nowMs: number,
  validityMs: number,
  maySchedule: boolean,
): SubmitTimes | RefusalCode {
  let dueAtMs = 0
  if (isScheduled(reader)) {
    const atMs = maySchedule ? parseTime(reader.schedule_delivery_time, nowMs) : undefined
    const due = atMs === undefined ? undefined : dueOf(atMs, nowMs)
    if (due === undefined) return 'scheduled'
    dueAtMs = due
  }
  const expiresAtMs = expiryOf(reader, nowMs)
  if (expiresAtMs === 0)
    return dueAtMs === 0 ? NONE : { dueAtMs, expiresAtMs: dueAtMs + validityMs }
  if (expiresAtMs === undefined || expiresAtMs <= Math.max(nowMs, dueAtMs)) return 'validityOver'
  return { dueAtMs, expiresAtMs }
}

/** When a message that is scheduled for then is due: 0 at once; undefined: that is over. ms since the Unix epoch. */
export function dueOf(atMs: number, nowMs: number): number | undefined {
  if (atMs < nowMs - PAST_MS) return undefined
  return atMs > nowMs ? Math.ceil(atMs) : 0
}

/** Whether a submit that was read names a schedule_delivery_time. */
export function isScheduled(reader: SubmitReader): boolean {
  return reader.schedule_delivery_time_end > reader.schedule_delivery_time_start
}

/** 0 where the submit names no end; undefined where that is no time. */
function expiryOf(reader: SubmitReader, nowMs: number): number | undefined {
  if (reader.validity_period_end > reader.validity_period_start)
    return parseTime(reader.validity_period, nowMs)
  // data_sm has no other way to say it
  const seconds = reader.tlv(TLV_TAGS.qos_time_to_live)
  return seconds?.length === 4 ? nowMs + seconds.readUInt32BE() * 1000 : 0
}
