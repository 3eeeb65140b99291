import type { Cancelled, CancelPort } from '../api/ports.js'
import type { Counter, Metrics } from '../base/metrics.js'
import { anyMessage } from '../front/own-messages.js'
import { cancels, indexOf, MARK, offsetOf, type Journal } from '../journal/index.js'

/**
 * Messages that are cancelled over HTTP: whoever may ask the API may cancel any account's. What can be cancelled, and what
 * comes of it, is as with cancel_sm (docs/decisions/0013).
 */
export class HttpCancels implements CancelPort {
  private readonly journal: Journal
  private readonly messages: Counter

  constructor(journal: Journal, metrics: Metrics) {
    this.journal = journal
    this.messages = metrics.counter('messages_cancelled_total', {})
  }

  async cancel(id: string): Promise<Cancelled> {
    const { journal } = this
    const ref = anyMessage(journal, id)
    const block = ref === undefined ? undefined : journal.state.blocks.get(indexOf(ref))
    if (ref === undefined || block === undefined) return { kind: 'unknown' }
    if (!cancels(journal.state))
      return { kind: 'refused', detail: 'not all nodes of this cluster can cancel' }
    const offset = offsetOf(ref)
    const account = block.account(offset)
    const mark = block.mark(offset)
    if (mark === MARK.DONE) return { kind: 'refused', detail: 'the message is concluded' }
    if (mark === MARK.SENT) return { kind: 'refused', detail: 'the SMSC has the message' }
    const result = await journal.proposer.command({ kind: 'cancel', account, refs: [ref] })
    if (!result.ok) throw new Error(`the cancellation was refused: ${result.why}`)
    if (!('cancelled' in result) || result.cancelled === 0)
      return { kind: 'refused', detail: 'the message may have reached the SMSC, or is concluded' }
    this.messages.add()
    return { kind: 'cancelled', id: journal.idOf(ref) }
  }
}
