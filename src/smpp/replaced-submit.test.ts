import t from 'tap'
import { decodeBody, encodeBody, tlv, type Body } from './codec.js'
import { replacedSubmit } from './replaced-submit.js'

const SUBMIT: Partial<Body<'submit_sm'>> = {
  service_type: 'CMT',
  source_addr_ton: 5,
  source_addr: 'SHOP',
  dest_addr_ton: 1,
  destination_addr: '491701234567',
  esm_class: 0x40,
  protocol_id: 3,
  priority_flag: 2,
  validity_period: '000001000000000R',
  registered_delivery: 1,
  data_coding: 8,
  sm_default_msg_id: 4,
  short_message: Buffer.from('first'),
  tlvs: [tlv.uint16('user_message_reference', 7), tlv.uint8('ms_validity', 1)],
}

function replaced(
  submit: Partial<Body<'submit_sm'>>,
  by: Partial<Body<'replace_sm'>>,
): Body<'submit_sm'> {
  const decoded = decodeBody('replace_sm', encodeBody('replace_sm', by))
  if (!decoded.ok) throw new Error('no replace_sm')
  const body = replacedSubmit(encodeBody('submit_sm', submit), decoded.body)
  const read = decodeBody('submit_sm', body ?? Buffer.alloc(0))
  if (!read.ok) throw new Error('no submit_sm')
  return read.body
}

void t.test('message, wishes and default message are replaced, and nothing else', t => {
  const by = {
    registered_delivery: 2,
    sm_default_msg_id: 0,
    short_message: Buffer.from('second'),
  }
  t.same(replaced(SUBMIT, by), {
    ...replaced(SUBMIT, {}),
    ...by,
  })
  t.match(replaced(SUBMIT, by), { ...SUBMIT, ...by }, 'validity_period stays where none is given')
  t.end()
})

void t.test('validity_period is replaced where it is given', t => {
  const validity_period = '261224000000000+'
  t.equal(replaced(SUBMIT, { validity_period }).validity_period, validity_period)
  t.end()
})

void t.test('message_payload goes with the message, whichever of the two it was', t => {
  const payload = tlv.octets('message_payload', Buffer.from('long'))
  const long = { ...SUBMIT, short_message: Buffer.alloc(0), tlvs: [payload, ...SUBMIT.tlvs!] }
  const short = replaced(long, { short_message: Buffer.from('short') })
  t.same(short.tlvs, SUBMIT.tlvs)
  t.same(short.short_message, Buffer.from('short'))
  const again = replaced(SUBMIT, { tlvs: [payload, tlv.uint8('ms_validity', 2)] })
  t.same(again.tlvs, [...SUBMIT.tlvs!, payload], 'no other TLV of a replace_sm counts')
  t.equal(again.short_message.length, 0)
  t.end()
})

void t.test('of what is no submit_sm nothing is made', t => {
  t.equal(replacedSubmit(Buffer.from('x'), {} as Body<'replace_sm'>), undefined)
  t.end()
})
