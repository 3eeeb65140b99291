import { ESM_CLASS, messageState, RECEIPT_STATS, type MessageState } from '../smpp/constants.js'
import type { SubmitReader } from '../smpp/submit-reader.js'
import { formatReceiptDate } from '../smpp/times.js'
import { TLV_TAGS } from '../smpp/tlv-tags.js'

/** The message_state of a `stat:` word in any case, or undefined. */
export function stateOfStat(stat: string): MessageState | undefined {
  const upper = stat.toUpperCase()
  for (const [state, word] of Object.entries(RECEIPT_STATS)) {
    if (word === upper) return state as MessageState
  }
  return undefined
}

/** The text of a receipt. Source: SMPP 3.4 appendix B. */
export function receiptText(receipt: {
  id: string
  state: MessageState
  submittedAtMs: number
  doneAtMs: number
  /** Network error, three digits. */
  error: string
}): string {
  const { id, state, submittedAtMs, doneAtMs, error } = receipt
  const delivered = state === 'DELIVERED' ? '001' : '000'
  return (
    `id:${id} sub:001 dlvrd:${delivered} submit date:${dateOf(submittedAtMs)} ` +
    `done date:${dateOf(doneAtMs)} stat:${RECEIPT_STATS[state]} err:${error} text:`
  )
}

/** The date of a receipt, which changes once a minute: made once for all receipts of the minute. */
function dateOf(atMs: number): string {
  const minute = Math.floor(atMs / 60_000)
  if (minute !== lastDate.minute) lastDate = { minute, text: formatReceiptDate(atMs) }
  return lastDate.text
}

let lastDate = { minute: -1, text: '' }

/**
 * Reads receipts out of deliver_sm without making strings, but for the `stat`. The fields are of the
 * last one read; `id_start` and `id_end` are a range of the body.
 */
export class ReceiptReader {
  id_start = 0
  id_end = 0
  stat = ''
  /** Nothing more happens to the message. */
  final = false
  /** An intermediate notification: no receipt, whatever it says. */
  intermediate = false

  /** @returns false where the deliver_sm is no receipt, or one without an id */
  read(deliver: SubmitReader): boolean {
    const type = deliver.esm_class & ESM_CLASS.type_mask
    if (type !== ESM_CLASS.receipt && type !== ESM_CLASS.intermediate_notification) return false
    const { body, short_message_start: start, short_message_end: end } = deliver
    const id = deliver.tlv(TLV_TAGS.receipted_message_id)
    if (id !== undefined) {
      this.id_start = id.byteOffset - body.byteOffset
      this.id_end = this.id_start + id.length
      while (this.id_end > this.id_start && body[this.id_end - 1] === 0) this.id_end--
    } else {
      this.id_start = valueAt(body, start, end, ID)
      this.id_end = wordEnd(body, this.id_start, end)
    }
    const state = deliver.tlv(TLV_TAGS.message_state)?.[0]
    if (state !== undefined) {
      const name = messageState(state) ?? 'UNKNOWN'
      this.stat = RECEIPT_STATS[name]
    } else {
      const at = valueAt(body, start, end, STAT)
      this.stat = body.toString('latin1', at, wordEnd(body, at, end)).toUpperCase()
    }
    this.intermediate = type === ESM_CLASS.intermediate_notification
    this.final = type === ESM_CLASS.receipt && this.stat !== 'ENROUTE' && this.stat !== ''
    return this.id_end > this.id_start
  }
}

const ID = Buffer.from('id:')
const STAT = Buffer.from('stat:')

/** Where the value after `key` begins (a key stands at the start or after a space); `end` if nowhere. */
function valueAt(body: Buffer, start: number, end: number, key: Buffer): number {
  for (let at = start; at + key.length <= end; at++) {
    if (at > start && body[at - 1] !== 0x20) continue
    let i = 0
    while (i < key.length && (body[at + i]! | 0x20) === (key[i]! | 0x20)) i++
    if (i === key.length) return at + i
  }
  return end
}

function wordEnd(body: Buffer, at: number, end: number): number {
  while (at < end && body[at] !== 0x20 && body[at] !== 0) at++
  return at
}
