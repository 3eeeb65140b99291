import { encodeBody } from '../smpp/codec.js'
import { DATA_CODING, NPI, REGISTERED_DELIVERY, TON } from '../smpp/constants.js'
import { tagDigitsAt, tagText, writeDigits } from './message-tag.js'

export interface SubmitTemplateOptions {
  /** Number of the run: see message-tag.ts. */
  run: number
  /** Printable ASCII; `{tag}` stands for the tag, which goes to the end where it is missing. */
  text: string
  /** The text is filled up with dots to so many octets; 0: it is not. */
  octets: number
  /** Digits; `#` stands for a digit of the message's number. */
  to: string
  /** Alphanumeric, or digits. */
  from: string
  /** A receipt is asked for. */
  receipts: boolean
  serviceType: string
  /** SMPP time, relative or absolute; '' for none. */
  validityPeriod: string
}

/**
 * A submit_sm body that is encoded once; for each message only the digits of its tag and of its
 * destination are written over.
 *
 * @throws RangeError where text or addresses do not fit
 */
export class SubmitTemplate {
  /** For the next `request`, which copies it. */
  readonly body: Buffer
  private readonly tagAt: number
  private readonly destinationAt: number
  /** Where in the destination `#` stood, the last first. */
  private readonly places: number[]

  constructor(options: SubmitTemplateOptions) {
    const { to, from } = options
    const message = messageOf(options)
    const numeric = /^\+?\d*$/.test(from)
    this.body = encodeBody('submit_sm', {
      service_type: options.serviceType,
      source_addr_ton: numeric ? TON.international : TON.alphanumeric,
      source_addr_npi: numeric ? NPI.isdn : NPI.unknown,
      source_addr: from.replace(/^\+/, ''),
      dest_addr_ton: TON.international,
      dest_addr_npi: NPI.isdn,
      destination_addr: to.replaceAll('#', '0'),
      validity_period: options.validityPeriod,
      registered_delivery: options.receipts ? REGISTERED_DELIVERY.always : REGISTERED_DELIVERY.none,
      data_coding: DATA_CODING.smsc_default,
      short_message: message,
    })
    const source = options.serviceType.length + 1 + 2
    this.destinationAt = source + from.replace(/^\+/, '').length + 1 + 2
    this.tagAt = tagDigitsAt(this.body.length - message.length + message.indexOf('T='))
    this.places = [...to.matchAll(/#/g)].map(({ index }) => index).reverse()
  }

  /** Makes `body` the one of message `n`. */
  number(n: number): Buffer {
    writeDigits(this.body, this.tagAt, 8, n)
    let rest = n
    for (const place of this.places) {
      const tens = Math.floor(rest / 10)
      this.body[this.destinationAt + place] = 0x30 + (rest - tens * 10)
      rest = tens
    }
    return this.body
  }
}

function messageOf({ run, text, octets, to }: SubmitTemplateOptions): Buffer {
  if (!/^[\d#]{1,20}$/.test(to)) throw new RangeError('the destination is 1 to 20 digits or #')
  if (!/^[\x20-\x7e]*$/.test(text)) throw new RangeError('the text is printable ASCII only')
  if (text.split('{tag}').length > 2) throw new RangeError('{tag} stands in the text twice')
  if (text.replace('{tag}', '').includes('T=')) throw new RangeError('the text has a T= of its own')
  const whole = text.includes('{tag}') ? text : `${text} {tag}`.trimStart()
  const message = whole.replace('{tag}', tagText(run, 0)).padEnd(octets, '.')
  if (message.length > 254) throw new RangeError(`the text has ${message.length} octets, 254 fit`)
  return Buffer.from(message, 'latin1')
}
