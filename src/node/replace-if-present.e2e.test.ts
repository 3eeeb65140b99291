import type { PDU } from 'smpp'
import t from 'tap'
import { systemClock, systemTimers } from '../base/clock.js'
import { freePorts } from '../testing/free-ports.js'
import { waitFor } from '../testing/wait-for.js'
import { ScriptedSmsc } from '../upstream/testing/smsc.js'
import { bind, site } from './testing/site.js'
import { serveSmsc } from './testing/serve-smsc.js'

void t.test(
  'replace_if_present_flag: the last of what waited for the SMSC reaches it, under the first id',
  async t => {
    const [port] = await freePorts(1)
    const { start } = await site(t, { connector: { port: port! } })
    const node = await start()
    const [esme, another] = [await bind(node), await bind(node)]
    const submit = async (session: typeof esme, text: string, over = {}): Promise<unknown> => {
      const pdu = await new Promise<PDU>(resolve =>
        session.submit_sm(
          {
            source_addr: '1000',
            destination_addr: '491701234567',
            short_message: text,
            replace_if_present_flag: 1,
            ...over,
          },
          resolve,
        ),
      )
      return pdu['message_id']
    }
    const id = await submit(esme, 'one', { replace_if_present_flag: 0 })
    t.equal(await submit(esme, 'two'), id)
    t.equal(await submit(another, 'three', { registered_delivery: 1 }), id, 'on any session')
    const elsewhere = await submit(esme, 'elsewhere', { destination_addr: '491701234568' })
    t.not(elsewhere, id)
    const receipts: unknown[] = []
    for (const session of [esme, another])
      session.on('deliver_sm', (pdu: PDU) => {
        receipts.push(pdu['receipted_message_id'])
        session.send(pdu.response())
      })

    const smsc = new ScriptedSmsc({ ...systemClock, ...systemTimers })
    await serveSmsc(t, smsc, port!)
    await waitFor('the SMSC has both', () => smsc.submitted.length === 2)
    t.same(smsc.texts.sort(), ['elsewhere', 'three'])
    const { ordinal } = smsc.submitted.find(({ text }) => text === 'three')!
    smsc.receipt(`smsc-${ordinal}`, { source_addr: '491701234567' })
    await waitFor('the receipt', () => receipts.length === 1)
    t.same(receipts, [id], 'the last form has asked for it')
    t.not(await submit(esme, 'four'), id, 'what has left is not replaced here')
    await waitFor('the SMSC has it', () => smsc.submitted.length === 3)
    t.equal(smsc.submitted[2]!.fields.replace_if_present_flag, 1, 'it may, if it still has it')
    esme.destroy()
    another.destroy()
    await node.stop(0)
  },
)
