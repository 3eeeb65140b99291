import type { Random } from '../../src/base/random.js'
import { encodeBody } from '../../src/smpp/codec.js'
import { COMMAND_IDS } from '../../src/smpp/command-ids.js'
import { formatRelative } from '../../src/smpp/times.js'
import type { VirtualTime } from '../../src/testing/virtual-time.js'
import type { SimEsme } from './esme.js'
import type { Message } from './message-books.js'
import { deliveryWanted } from './intents.js'
import { brief } from './pieces.js'
import type { ReplaceRules } from './replace-rules.js'
import type { Trace } from './trace.js'

/** Share of what an account learns of its messages that makes it word one anew, and of these that it does so twice. */
const REWORDING = 0.3
const TWICE = 0.3
/** Share that is put off, and for how many seconds at most. */
const PUT_OFF = 0.15
const DELAY_S = 4
/** Share that is too long for one short message; even, for some messages are of UCS-2. */
const LONG = 0.15
const LONG_OCTETS = 240
/** Half of them at once, half within this. */
const LATER_MS = 1000

export interface ReplacesParts {
  time: VirtualTime
  random: Random
  rules: ReplaceRules
  trace: Trace
  /** Another one of its account that may submit. */
  colleague: (esme: SimEsme) => SimEsme | undefined
}

/** Customers that want something else said than they have submitted. */
export class Replaces {
  private readonly parts: ReplacesParts
  private texts = 0

  constructor(parts: ReplacesParts) {
    this.parts = parts
  }

  /** `esme` may replace a message that its account knows to be accepted; so may a colleague, at the same time. */
  consider(esme: SimEsme, message: Message): void {
    const { random, time, colleague } = this.parts
    if (random.unit() >= REWORDING) return
    const waitMs = random.unit() < 0.5 ? 0 : random.unit() * LATER_MS
    const second = random.unit() < TWICE ? colleague(esme) : undefined
    time.after(waitMs, () => {
      this.replace(esme, message)
      if (second !== undefined) this.replace(second, message)
    })
  }

  private replace(esme: SimEsme, message: Message): void {
    const { rules, trace, random, time } = this.parts
    const { name } = esme.options
    if (!esme.submitting) return
    const short = `R${++this.texts} other`
    const text = random.unit() < LONG ? short.padEnd(LONG_OCTETS, ' other') : short
    const delayS = random.unit() < PUT_OFF ? 1 + random.below(DELAY_S) : 0
    const body = encodeBody('replace_sm', {
      schedule_delivery_time: delayS === 0 ? '' : formatRelative(delayS * 1000),
      message_id: message.id,
      source_addr: '1000',
      registered_delivery: deliveryWanted(message),
      short_message: Buffer.from(text),
    })
    trace.add(
      name,
      `replaces ${message.tag} by ${brief(text)}${delayS === 0 ? '' : `, in ${delayS} s`}`,
    )
    if (delayS > 0) rules.onPutOff(text, time.monotonicMs() + delayS * 1000)
    esme.ask(COMMAND_IDS.replace_sm, body, status => {
      trace.add(name, `replacing ${message.tag} by ${brief(text)} is answered ${status}`)
      rules.onAnswered(message, text, status)
    })
  }
}
