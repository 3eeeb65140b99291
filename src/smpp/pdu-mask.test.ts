import t from 'tap'
import { encodePdu, tlv, type Body } from './codec.js'
import { maskPdu } from './pdu-mask.js'

const masked = (pdu: Buffer, texts = false): string => {
  const copy = Buffer.from(pdu)
  maskPdu(copy, { texts })
  t.equal(copy.length, pdu.length)
  t.same(copy.subarray(0, 16), pdu.subarray(0, 16), 'the header stays')
  return copy.toString('latin1')
}

const submit = (fields: Partial<Body<'submit_sm'>>): Buffer =>
  encodePdu('submit_sm', { sequence_number: 7 }, fields)

void t.test('a text is masked unless it is wanted, and nothing else is', async t => {
  const pdu = submit({
    source_addr: '1000',
    destination_addr: '491701234567',
    short_message: Buffer.from('hello'),
    tlvs: [tlv.uint16('user_message_reference', 0x4142)],
  })
  const text = pdu.toString('latin1')
  t.equal(masked(pdu), text.replace('hello', '*****'))
  t.equal(masked(pdu, true), text)
})

void t.test('passwords are masked always', async t => {
  const bind = encodePdu(
    'bind_transceiver',
    { sequence_number: 1 },
    { system_id: 'esme1', password: 'secret1', interface_version: 0x34 },
  )
  const outbind = encodePdu(
    'outbind',
    { sequence_number: 1 },
    { system_id: 'esme1', password: 'secret1' },
  )
  for (const pdu of [bind, outbind])
    for (const texts of [false, true])
      t.equal(masked(pdu, texts), pdu.toString('latin1').replace('secret1', '*******'))
  const cut = bind.subarray(0, 16 + 10) // no NUL after the password
  t.notMatch(masked(cut, true), /secr/)
  const long = Buffer.concat([bind.subarray(0, 22), Buffer.alloc(90, 's'), bind.subarray(22)])
  t.notMatch(masked(long, true), /sss/)
})

void t.test('a payload, a vendor’s own TLV and what cannot be read are masked', async t => {
  const tlvs = [
    tlv.octets('message_payload', Buffer.from('secret')),
    { tag: 0x1401, value: Buffer.from('vendor') },
  ]
  t.notMatch(masked(submit({ short_message: Buffer.alloc(0), tlvs })), /secret|vendor/)
  t.match(masked(submit({ short_message: Buffer.alloc(0), tlvs }), true), /secret.*vendor/s)
  const pdu = submit({ destination_addr: '49', short_message: Buffer.from('hello'), tlvs })
  for (let end = 16; end < pdu.length; end++)
    t.notMatch(masked(pdu.subarray(0, end)), /hel|sec|ven/, `cut at ${end}`)
  const longer = Buffer.from(pdu)
  longer[longer.indexOf('hello') - 1] = 250 // more than there is
  t.notMatch(masked(longer), /hel|sec|ven/)
  const unknown = Buffer.from(pdu)
  unknown.writeUInt32BE(0x12345, 4)
  t.notMatch(masked(unknown), /hel|sec|ven|49/)
})

void t.test('of a receipt what stands before its text stays', async t => {
  const receipt = (text: string, esm_class = 4) =>
    masked(
      encodePdu(
        'deliver_sm',
        { sequence_number: 1 },
        { esm_class, short_message: Buffer.from(text) },
      ),
    )
  t.match(
    receipt('id:12 stat:DELIVRD err:000 Text:Hello'),
    /id:12 stat:DELIVRD err:000 Text:\*{5}$/,
  )
  for (const [text, esm_class] of [
    ['id:12 text:Hello', 0],
    ['Hello id:12 text:Hello', 4],
    ['id:12 Hello', 4],
  ] as const)
    t.notMatch(receipt(text, esm_class), /Hello|12/)
})

void t.test('of a user data header what says the part stays, and only that', async t => {
  const part = (header: number[]) =>
    masked(
      submit({
        esm_class: 0x40,
        short_message: Buffer.concat([Buffer.from(header), Buffer.from('hello')]),
      }),
    )
  t.match(part([5, 0, 3, 9, 2, 1]), /\u0005\u0000\u0003\t\u0002\u0001\*{5}$/)
  t.match(part([6, 8, 4, 9, 9, 2, 1]), /\u0006\u0008\u0004\t\t\u0002\u0001\*{5}$/)
  t.match(part([7, 0x70, 5, 104, 101, 108, 108, 111]), /\*{13}$/, 'another element')
  t.match(part([200, 0, 3]), /\*{8}$/)
  const ucs2 = submit({ data_coding: 8, short_message: Buffer.from('00680069', 'hex') })
  t.match(masked(ucs2), /\u0000\*\u0000\*$/)
})
