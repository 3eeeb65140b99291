import type { PDU } from 'smpp'
import t from 'tap'
import { systemClock, systemTimers } from '../base/clock.js'
import { tlv } from '../smpp/codec.js'
import { freePorts } from '../testing/free-ports.js'
import { waitFor } from '../testing/wait-for.js'
import { ScriptedSmsc } from '../upstream/testing/smsc.js'
import { bind, site } from './testing/site.js'
import { serveSmsc } from './testing/serve-smsc.js'

const TO = '491701234567'

void t.test(
  'an ESME gets of an SMSC what its registered_delivery asks for, in order and once',
  async t => {
    const [port] = await freePorts(1)
    const { start } = await site(t, { connector: { port: port!, binds: 1 } })
    const smsc = new ScriptedSmsc({ ...systemClock, ...systemTimers })
    await serveSmsc(t, smsc, port!)
    const node = await start()
    const esme = await bind(node)
    const got: string[] = []
    const names = new Map<unknown, string>()
    esme.on('deliver_sm', (pdu: PDU) => {
      const { message } = pdu['short_message'] as { message: Buffer | string }
      const stat = /stat:(\w+)/.exec(message.toString())?.[1]
      const name = names.get(pdu['receipted_message_id'])
      got.push(`${name} ${Number(pdu['esm_class']).toString(16)} ${stat}`)
      esme.send(pdu.response())
    })
    const request = (command: 'submit_sm' | 'data_sm', over: object): Promise<PDU> =>
      new Promise(resolve => esme[command]({ destination_addr: TO, ...over }, resolve))
    const submit = async (name: string, registered_delivery: number): Promise<void> => {
      const pdu = await request('submit_sm', { registered_delivery, short_message: name })
      names.set(pdu['message_id'], name)
      await waitFor('the SMSC has it', () => smsc.submitted.some(({ text }) => text === name))
    }
    const all: [name: string, registered_delivery: number][] = [
      ['none', 0],
      ['always', 1],
      ['failure', 2],
      ['success', 3],
      ['acknowledged', 0x0c],
      ['notified', 0x10],
      ['notified-always', 0x11],
      ['notified-failure', 0x12],
    ]
    for (const [name, asked] of all) await submit(name, asked)
    t.same(
      smsc.submitted.map(({ fields }) => fields.registered_delivery),
      [0, 1, 2, 1, 0x0c, 0x10, 0x11, 0x12],
      'success only is not known to 3.4; SME acknowledgements are the SMSC’s business',
    )
    const state = async (name: string): Promise<[unknown, unknown]> => {
      const message_id = [...names].find(([, known]) => known === name)![0]
      const pdu = await new Promise<PDU>(resolve => esme.query_sm({ message_id }, resolve))
      return [pdu['message_state'], pdu['error_code']]
    }
    const notify = (id: string): void =>
      smsc.deliver('n', {
        source_addr: TO,
        destination_addr: '1234',
        esm_class: 0x20,
        short_message: Buffer.from(`id:${id} stat:UNDELIV err:027`),
        tlvs: [tlv.cstring('receipted_message_id', id)],
      })
    for (let n = 1; n <= all.length; n++) {
      notify(`smsc-${n}`)
      notify(`smsc-${n}`)
    }
    await waitFor('the notifications', () => got.length >= 3)
    t.same(await state('notified-always'), [1, 27], 'ENROUTE, and why the last attempt failed')
    for (let n = 1; n <= all.length; n++) smsc.receipt(`smsc-${n}`, { source_addr: TO })
    await waitFor('the receipts', () => got.length >= 6)
    await waitFor('answers to all', () => smsc.delivered.length === 3 * all.length)
    t.same(got, [
      'notified 20 UNDELIV',
      'notified-always 20 UNDELIV',
      'notified-failure 20 UNDELIV',
      'always 4 DELIVRD',
      'success 4 DELIVRD',
      'notified-always 4 DELIVRD',
    ])
    t.same(await state('notified-always'), [2, 7])

    const data = await request('data_sm', {
      registered_delivery: 0x13,
      message_payload: { message: Buffer.from('by data_sm') },
    })
    names.set(data['message_id'], 'data')
    await waitFor('the SMSC has it', () => smsc.submitted.length === all.length + 1)
    t.equal(smsc.submitted.at(-1)!.fields.registered_delivery, 0x11)
    notify(`smsc-${all.length + 1}`)
    smsc.receipt(`smsc-${all.length + 1}`, { source_addr: TO })
    await waitFor('both', () => got.length >= 8)
    t.same(got.slice(6), ['data 20 UNDELIV', 'data 4 DELIVRD'])
    esme.destroy()
    await node.stop(0)
  },
)
