import t from 'tap'
import { SubmitReader } from '../smpp/submit-reader.js'
import { textSubmitBody } from './text-message.js'

for (const { alphabet, text, data_coding, octets } of [
  { alphabet: 'gsm7', text: 'Hello, 42!', data_coding: 0, octets: '48656c6c6f2c20343221' },
  { alphabet: 'gsm7', text: 'a@b', data_coding: 0, octets: '610062' },
  { alphabet: 'gsm7', text: '5 €', data_coding: 0, octets: '35201b65' },
  { alphabet: 'latin1', text: 'a@b', data_coding: 0, octets: '614062' },
  { alphabet: 'latin1', text: 'Grüße', data_coding: 0, octets: '4772fcdf65' },
  { alphabet: 'latin1', text: '5 €', data_coding: 8, octets: '0035002020ac' },
  { alphabet: 'ia5', text: 'Grüße', data_coding: 8, octets: '0047007200fc00df0065' },
  { alphabet: 'gsm7-packed', text: 'hellohello', data_coding: 0, octets: 'e8329bfd4697d9ec37' },
  { alphabet: 'gsm7', text: '🔔', data_coding: 8, octets: 'd83ddd14' },
] as const)
  void t.test(`${text} of ${alphabet} goes under data_coding ${data_coding}`, async t => {
    const reader = new SubmitReader()
    const body = textSubmitBody({ from: 'Bells', to: '+491701234567', text }, alphabet)!
    t.equal(reader.read(body, 'submit_sm'), 0)
    t.equal(reader.data_coding, data_coding)
    t.equal(body.toString('hex', reader.short_message_start, reader.short_message_end), octets)
    t.equal(reader.source_addr, 'Bells')
    t.equal(reader.source_addr_ton, 5)
    t.equal(reader.destination_addr, '491701234567')
    t.equal(reader.dest_addr_ton, 1)
    t.equal(reader.registered_delivery, 1)
  })

void t.test('what is too long for short_message goes as message_payload', async t => {
  const reader = new SubmitReader()
  const body = textSubmitBody({ from: '', to: '1', text: 'x'.repeat(255) }, 'gsm7')!
  t.equal(reader.read(body, 'submit_sm'), 0)
  t.equal(reader.sm_length, 0)
  t.equal(reader.message_payload_end - reader.message_payload_start, 255)
  t.equal(textSubmitBody({ from: '', to: '1', text: 'x'.repeat(20_001) }, 'gsm7'), undefined)
})
