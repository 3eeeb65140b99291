import t from 'tap'
import { decodeBody } from '../smpp/codec.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { EsmeOperations } from './esme-operations.js'
import { ESME_DEFAULTS, type EsmeOptions } from './esme-options.js'
import { TagReader } from './message-tag.js'
import { ReceiptReader } from './receipt-text.js'
import { idText, keepForReceipt, receiptBody } from './smsc-messages.js'
import { SubmitTemplate } from './submit-template.js'

const RUN = 36 ** 5 + 7

void t.test('a template writes the digits of tag and destination, and nothing else', async t => {
  const options = { ...ESME_DEFAULTS, run: RUN, to: '4670##55##', octets: 140, text: 'a {tag} b' }
  const template = new SubmitTemplate(options)
  const submit = new SubmitReader()
  const tag = new TagReader()
  for (const n of [0, 7, 1234, 99_999_999]) {
    t.equal(submit.read(template.number(n), 'submit_sm'), 0)
    t.ok(tag.find(submit.message, 0, submit.message.length))
    t.same([tag.run, tag.n], [RUN, n])
    const digits = String(n).padStart(4, '0').slice(-4)
    t.equal(submit.destination_addr, `4670${digits.slice(0, 2)}55${digits.slice(2)}`)
    t.equal(submit.source_addr, '12345')
    t.equal(submit.sm_length, 140)
    t.equal(submit.registered_delivery, 1)
  }
  const decoded = decodeBody('submit_sm', template.number(5))
  t.match(decoded, { ok: true, body: { dest_addr_ton: 1, data_coding: 0, tlvs: [] } })
})

void t.test('a template with an alphanumeric source and no tag in its text', async t => {
  const options = {
    ...ESME_DEFAULTS,
    run: RUN,
    from: 'Carillon',
    text: 'Hello',
    serviceType: 'CMT',
  }
  const submit = new SubmitReader()
  t.equal(submit.read(new SubmitTemplate(options).number(3), 'submit_sm'), 0)
  t.equal(submit.source_addr_ton, 5)
  t.equal(submit.message.toString(), 'Hello T=100007-00000003;')
  t.equal(submit.destination_addr, '46700000003')
})

void t.test('a template of a submit_multi numbers its destinations on', async t => {
  const options = { ...ESME_DEFAULTS, run: RUN, to: '467##', destinations: 3, serviceType: 'VMS' }
  const template = new SubmitTemplate({ ...options, pdu: 'submit_multi' })
  const destinationsOf = (n: number): unknown => {
    const multi = decodeBody('submit_multi', template.number(n))
    if (!multi.ok) return multi.problem
    t.match(multi.body.short_message.toString(), `T=100007-0000000${n};`)
    return multi.body.dest_address.map(to => to.dest_flag === 1 && to.destination_addr)
  }
  t.same(destinationsOf(0), ['46700', '46701', '46702'])
  t.same(destinationsOf(4), ['46712', '46713', '46714'])
})

void t.test('what is asked about messages is a share of them, each asked one thing', async t => {
  const shares = { query_sm: 0.5, cancel_sm: 0.25, replace_sm: 0 }
  const operations = new EsmeOperations(shares, 'Carillon')
  t.equal(operations.about('id', 0.49)?.name, 'query_sm')
  t.equal(operations.about('id', 0.5)?.name, 'cancel_sm')
  t.equal(operations.about('id', 0.75), undefined)
  t.equal(operations.about('', 0), undefined, 'a response without an id')
  t.match(decodeBody('cancel_sm', operations.about('id', 0.6)!.body), {
    body: { message_id: 'id', source_addr_ton: 5, source_addr: 'Carillon' },
  })
  t.throws(() => new EsmeOperations({ ...shares, replace_sm: 0.3 }, ''), RangeError)
})

void t.test('texts that cannot be counted or sent are refused', async t => {
  for (const wrong of [
    { text: 'a'.repeat(250) },
    { text: 'T=1 {tag}' },
    { text: 'naïve' },
    { text: '{tag}{tag}' },
    { to: '' },
    { to: '+46' },
    { destinations: 2 },
    { pdu: 'submit_multi', destinations: 11, to: '46#' },
    { pdu: 'data_sm', validityPeriod: '000000001000000R' },
  ] as Partial<EsmeOptions>[]) {
    t.throws(() => new SubmitTemplate({ ...ESME_DEFAULTS, run: RUN, ...wrong }), RangeError)
  }
})

void t.test('a receipt is read back as it was made, in every form', async t => {
  const submit = new SubmitReader()
  const body = new SubmitTemplate({ ...ESME_DEFAULTS, run: RUN }).number(9)
  for (const receiptForm of ['both', 'text', 'tlv'] as const) {
    for (const receiptIdFormat of ['text', 'hex', 'dec'] as const) {
      submit.read(body, 'submit_sm')
      const message = keepForReceipt(
        submit,
        1_700_000_000_000_123,
        1_700_000_000_000,
        'UNDELIVERABLE',
      )
      const receipt = receiptBody(message, 1_700_000_060_000, { receiptForm, receiptIdFormat })
      const deliver = new SubmitReader()
      t.equal(deliver.read(receipt, 'deliver_sm'), 0)
      t.equal(deliver.source_addr, '46700000009')
      t.equal(deliver.destination_addr, '12345')
      const reader = new ReceiptReader()
      t.ok(reader.read(deliver))
      t.equal(
        receipt.toString('latin1', reader.id_start, reader.id_end),
        idText(message.number, receiptIdFormat),
      )
      t.equal(reader.stat, 'UNDELIV')
      t.ok(reader.final)
      t.ok(decodeBody('deliver_sm', receipt).ok)
    }
  }
})

void t.test('receipts of other makes are read too', async t => {
  const reader = new ReceiptReader()
  const deliver = new SubmitReader()
  const read = (text: string, esm_class = 4): boolean => {
    const octets = Buffer.from(
      `\0\0\0\0\0\0\0${String.fromCharCode(esm_class)}\0\0\0\0\0\0\0\0?${text}`,
    )
    octets[octets.length - text.length - 1] = text.length
    t.equal(deliver.read(octets, 'deliver_sm'), 0)
    return reader.read(deliver)
  }
  t.ok(read('ID:00aB-1 stat:delivrd err:0000'))
  t.equal(deliver.body.toString('latin1', reader.id_start, reader.id_end), '00aB-1')
  t.equal(reader.stat, 'DELIVRD')
  t.ok(read('id:7 stat:ENROUTE'))
  t.notOk(reader.final)
  t.ok(read('id:7 stat:DELIVRD', 0x20))
  t.notOk(reader.final, 'an intermediate notification is not final')
  t.notOk(read('paid: 7', 4), 'no id')
  t.notOk(read('id:7 stat:DELIVRD', 0), 'an ordinary message')
})
