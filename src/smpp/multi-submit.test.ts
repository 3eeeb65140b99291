import t from 'tap'
import { encodeBody, tlv, type Body, type DestAddress } from './codec.js'
import { COMMAND_STATUS } from './command-status.js'
import { readSubmitMulti, type MultiSubmit } from './multi-submit.js'

const sme = (destination_addr: string): DestAddress => ({
  dest_flag: 1,
  dest_addr_ton: 1,
  dest_addr_npi: 2,
  destination_addr,
})
const COMMON = {
  service_type: 'WAP',
  source_addr_ton: 5,
  source_addr: 'ACME',
  esm_class: 0x40,
  priority_flag: 2,
  schedule_delivery_time: '000000000100000R',
  validity_period: '000000000200000R',
  registered_delivery: 1,
  data_coding: 8,
  short_message: Buffer.from('hello'),
  tlvs: [tlv.uint16('user_message_reference', 7)],
}
const multi = (fields: Partial<Body<'submit_multi'>>): Buffer =>
  encodeBody('submit_multi', { ...COMMON, ...fields })
const read = (body: Buffer): MultiSubmit => {
  const submit = readSubmitMulti(body)
  if (typeof submit === 'number') throw new Error(`refused: ${submit}`)
  return submit
}

void t.test('each destination gets the submit_sm that says the same', t => {
  const submit = read(multi({ dest_address: [sme('4917'), { dest_flag: 2, dl_name: 'staff' }] }))
  t.same(submit.dest_address, [sme('4917'), { dest_flag: 2, dl_name: 'staff' }])
  const address = { dest_addr_ton: 1, dest_addr_npi: 2, destination_addr: '4917' }
  t.same(submit.bodyTo(address), encodeBody('submit_sm', { ...COMMON, ...address }))
  t.equal(submit.octets, submit.bodyTo(address).length - 7)
  t.end()
})

void t.test('what cannot be told apart is refused with its error (SMPP 3.4 §4.5.1)', t => {
  const many = (count: number): DestAddress[] => Array.from({ length: count }, () => sme('1'))
  const cases: [Buffer, keyof typeof COMMAND_STATUS][] = [
    [multi({ dest_address: [] }), 'ESME_RINVNUMDESTS'],
    [multi({ dest_address: many(255) }), 'ESME_RINVNUMDESTS'],
    [Buffer.from([0, 0, 0]), 'ESME_RINVSRCADR'],
    [Buffer.from([0, 0, 0, 0]), 'ESME_RINVCMDLEN'],
    [Buffer.from([0, 0, 0, 0, 1, 3, 0x61, 0]), 'ESME_RINVDESTFLAG'],
    [Buffer.from([0, 0, 0, 0, 2, 2, 0x61, 0]), 'ESME_RINVCMDLEN'],
    [Buffer.concat([Buffer.from([0, 0, 0, 0, 1, 2]), Buffer.alloc(21, 'x')]), 'ESME_RINVDLNAME'],
    [
      Buffer.concat([Buffer.from([0, 0, 0, 0, 1, 1, 0, 0]), Buffer.alloc(21, '1')]),
      'ESME_RINVDSTADR',
    ],
  ]
  for (const [body, status] of cases) t.equal(readSubmitMulti(body), COMMAND_STATUS[status], status)
  t.equal(read(multi({ dest_address: many(254) })).dest_address.length, 254)
  t.end()
})
