import { COMMAND_STATUS, statusText } from '../smpp/command-status.js'
import type { Connector } from '../policy/settings.js'

/** What a submit_sm_resp means. `throttled`: temporary, and the whole connector slows down. */
export type Verdict = 'sent' | 'throttled' | 'temporary' | 'permanent'

/**
 * Errors that pass: about the SMSC or the session, not about the message. All others are permanent, those
 * of vendors (0x400–0x4ff) too; `connector.errors` overrides both ways.
 */
const TEMPORARY: ReadonlySet<number> = new Set([
  COMMAND_STATUS.ESME_RINVBNDSTS,
  COMMAND_STATUS.ESME_RALYBND,
  COMMAND_STATUS.ESME_RSYSERR,
  COMMAND_STATUS.ESME_RBINDFAIL,
  COMMAND_STATUS.ESME_RMSGQFUL,
  COMMAND_STATUS.ESME_RTHROTTLED,
  COMMAND_STATUS.ESME_RX_T_APPN,
  COMMAND_STATUS.ESME_RSERTYPUNAVAIL,
])

/** What a generic_nack says of the PDU itself; sending it again changes nothing. */
const PERMANENT_NACKS: ReadonlySet<number> = new Set([
  COMMAND_STATUS.ESME_RINVMSGLEN,
  COMMAND_STATUS.ESME_RINVCMDLEN,
  COMMAND_STATUS.ESME_RINVCMDID,
])

/** @param nack  the answer was a generic_nack: temporary, but for what it says of the PDU itself */
export function verdictOf(
  command_status: number,
  nack: boolean,
  overrides: Connector['errors'],
): Verdict {
  if (command_status === COMMAND_STATUS.ESME_ROK) return nack ? 'temporary' : 'sent'
  const kind =
    overridden(command_status, overrides) ??
    (nack
      ? PERMANENT_NACKS.has(command_status)
        ? 'permanent'
        : 'temporary'
      : TEMPORARY.has(command_status)
        ? 'temporary'
        : 'permanent')
  return kind === 'temporary' && isThrottling(command_status) ? 'throttled' : kind
}

/** The SMSC asks for less. */
export function isThrottling(command_status: number): boolean {
  return (
    command_status === COMMAND_STATUS.ESME_RTHROTTLED ||
    command_status === COMMAND_STATUS.ESME_RMSGQFUL
  )
}

/**
 * How long a message waits before it is sent again, ms. After throttling shortly, for the connector's
 * pace is what gives way; else 5 s, doubled by each attempt up to 10 min, give or take a tenth.
 *
 * @param attempt  the one that failed, from 1 on
 * @param chance   uniform in [0, 1)
 */
export function retryDelayMs(verdict: Verdict, attempt: number, chance: number): number {
  if (verdict === 'throttled') return 1000 + 500 * chance
  const backOff = Math.min(RETRY_MS * 2 ** Math.min(attempt - 1, 20), RETRY_MS_MAX)
  return backOff * (0.9 + 0.2 * chance)
}

const RETRY_MS = 5000
const RETRY_MS_MAX = 600_000

function overridden(
  command_status: number,
  overrides: Connector['errors'],
): 'temporary' | 'permanent' | undefined {
  const name = statusText(command_status)
  const found = overrides[name]
  if (found !== undefined || !name.startsWith('0x')) return found
  for (const key in overrides) if (key.toLowerCase() === name) return overrides[key]
  return undefined
}
