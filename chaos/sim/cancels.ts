import type { Random } from '../../src/base/random.js'
import { encodeBody } from '../../src/smpp/codec.js'
import { COMMAND_IDS } from '../../src/smpp/command-ids.js'
import type { VirtualTime } from '../../src/testing/virtual-time.js'
import type { CancelRules } from './cancel-rules.js'
import type { SimEsme } from './esme.js'
import { destinationIn, type Message } from './message-books.js'
import type { Trace } from './trace.js'

/** Shares of what an account learns of its messages that make it cancel one by its id, or all to its number. */
const ONE = 0.1
const ALL = 0.03
/** Half of them at once, half within this. */
const LATER_MS = 1500

export interface CancelsParts {
  time: VirtualTime
  random: Random
  rules: CancelRules
  trace: Trace
  /** What the account has submitted and knows to be accepted. */
  accepted(account: string): readonly Message[]
}

/** Customers that change their minds. */
export class Cancels {
  private readonly parts: CancelsParts

  constructor(parts: CancelsParts) {
    this.parts = parts
  }

  /** `esme` may cancel a message that its account knows to be accepted. */
  consider(esme: SimEsme, message: Message): void {
    const { random, time } = this.parts
    const chance = random.unit()
    if (chance >= ONE + ALL) return
    const waitMs = random.unit() < 0.5 ? 0 : random.unit() * LATER_MS
    time.after(waitMs, () => {
      if (!esme.submitting) return
      if (chance < ONE) this.one(esme, message)
      else this.all(esme, message)
    })
  }

  private one(esme: SimEsme, message: Message): void {
    const { rules, trace } = this.parts
    const body = encodeBody('cancel_sm', {
      message_id: message.id,
      source_addr: '1000',
      destination_addr: message.tag.startsWith('D') ? destinationIn(message.content) : '',
    })
    trace.add(esme.options.name, `cancels ${message.tag}`)
    esme.ask(COMMAND_IDS.cancel_sm, body, status => {
      trace.add(esme.options.name, `cancelling ${message.tag} is answered ${status}`)
      rules.onAnswered({ kind: 'one', message }, status)
    })
  }

  private all(esme: SimEsme, { content, account }: Message): void {
    const { parts } = this
    const { rules, trace } = parts
    const to = destinationIn(content)
    const body = encodeBody('cancel_sm', { source_addr: '1000', destination_addr: to })
    const messages = parts.accepted(account).filter(other => destinationIn(other.content) === to)
    trace.add(esme.options.name, `cancels all to ${to}`)
    esme.ask(COMMAND_IDS.cancel_sm, body, status => {
      trace.add(esme.options.name, `cancelling all to ${to} is answered ${status}`)
      rules.onAnswered({ kind: 'all', messages }, status)
    })
  }
}
