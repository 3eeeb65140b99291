import { encodeBody, tlv } from '../smpp/codec.js'
import { DATA_CODING, ESM_CLASS, NPI, TON } from '../smpp/constants.js'
import { sourceOf } from './esme-operations.js'
import { registeredDeliveryOf, type EsmeOptions } from './esme-options.js'
import { tagDigitsAt, tagText, writeDigits } from './message-tag.js'

/** What of the load client's options a message is made of, and the number of the run: see message-tag.ts. */
export type SubmitTemplateOptions = { run: number } & Pick<
  EsmeOptions,
  | 'text'
  | 'octets'
  | 'to'
  | 'from'
  | 'receipts'
  | 'registeredDelivery'
  | 'mode'
  | 'serviceType'
  | 'validityPeriod'
  | 'pdu'
  | 'destinations'
  | 'tlvs'
>

/**
 * The body of a submit_sm, data_sm or submit_multi that is encoded once; for each message only the digits of its tag and of its
 * destinations are written over. The text is printable ASCII; `{tag}` stands for the tag, which goes to the end where it is
 * missing; `octets` fills it up with dots.
 *
 * @throws RangeError where text or addresses do not fit
 */
export class SubmitTemplate {
  /** For the next `request`, which copies it. */
  readonly body: Buffer
  private readonly tagAt: number
  /** Where each destination's digits begin. */
  private readonly destinationsAt: number[]
  /** Where in a destination `#` stood, the last first. */
  private readonly places: number[]

  constructor(options: SubmitTemplateOptions) {
    const { to, destinations } = options
    const message = messageOf(options)
    this.body = bodyOf(options, message)
    this.tagAt = tagDigitsAt(this.body.indexOf(tagText(options.run, 0)))
    this.places = [...to.matchAll(/#/g)].map(({ index }) => index).reverse()
    const first = options.serviceType.length + 1 + 2 + sourceOf(options.from).address.length + 1 + 2
    const isMulti = options.pdu === 'submit_multi'
    const apart = 1 + 2 + to.length + 1 // dest_flag, type, plan, digits and their NUL
    this.destinationsAt = Array.from(
      { length: isMulti ? destinations : 1 },
      (_, i) => first + (isMulti ? 2 + i * apart : 0), // number_of_dests and the first dest_flag
    )
  }

  /** Makes `body` the one of message `n`, whose destinations are numbered from n × `destinations`. */
  number(n: number): Buffer {
    writeDigits(this.body, this.tagAt, 8, n)
    const count = this.destinationsAt.length
    for (let i = 0; i < count; i++) {
      let rest = n * count + i
      for (const place of this.places) {
        const tens = Math.floor(rest / 10)
        this.body[this.destinationsAt[i]! + place] = 0x30 + (rest - tens * 10)
        rest = tens
      }
    }
    return this.body
  }
}

function bodyOf(options: SubmitTemplateOptions, message: Buffer): Buffer {
  const { to, mode, pdu, tlvs } = options
  const { ton, npi, address } = sourceOf(options.from)
  const destination = {
    dest_addr_ton: TON.international,
    dest_addr_npi: NPI.isdn,
    destination_addr: to.replaceAll('#', '0'),
  }
  const common = {
    service_type: options.serviceType,
    source_addr_ton: ton,
    source_addr_npi: npi,
    source_addr: address,
    esm_class: mode === 'default' ? 0 : ESM_CLASS[mode],
    registered_delivery: registeredDeliveryOf(options),
    data_coding: DATA_CODING.smsc_default,
  }
  const more = { validity_period: options.validityPeriod, short_message: message, tlvs }
  switch (pdu) {
    case 'submit_sm':
      return encodeBody(pdu, { ...common, ...destination, ...more })
    case 'data_sm':
      if (options.validityPeriod !== '') throw new RangeError('a data_sm has no validity_period')
      return encodeBody(pdu, {
        ...common,
        ...destination,
        tlvs: [...tlvs, tlv.octets('message_payload', message)],
      })
    case 'submit_multi': {
      const dest_address = Array.from({ length: options.destinations }, () => ({
        dest_flag: 1 as const,
        ...destination,
      }))
      return encodeBody(pdu, { ...common, ...more, dest_address })
    }
  }
}

function messageOf({ run, text, octets, to, pdu, destinations }: SubmitTemplateOptions): Buffer {
  if (!/^[\d#]{1,20}$/.test(to)) throw new RangeError('the destination is 1 to 20 digits or #')
  if (pdu !== 'submit_multi' && destinations > 1)
    throw new RangeError('only a submit_multi has several destinations')
  if (10 ** (to.split('#').length - 1) < destinations)
    throw new RangeError(`the destination needs more # for ${destinations} different ones`)
  if (!/^[\x20-\x7e]*$/.test(text)) throw new RangeError('the text is printable ASCII only')
  if (text.split('{tag}').length > 2) throw new RangeError('{tag} stands in the text twice')
  if (text.replace('{tag}', '').includes('T=')) throw new RangeError('the text has a T= of its own')
  const whole = text.includes('{tag}') ? text : `${text} {tag}`.trimStart()
  const message = whole.replace('{tag}', tagText(run, 0)).padEnd(octets, '.')
  if (message.length > 254) throw new RangeError(`the text has ${message.length} octets, 254 fit`)
  return Buffer.from(message, 'latin1')
}
