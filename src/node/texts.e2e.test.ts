import type { PDU } from 'smpp'
import t from 'tap'
import type { MessageView } from '../api/shapes.js'
import { systemClock, systemTimers } from '../base/clock.js'
import { get as carillonGet } from '../cli/get.js'
import { recordingIo } from '../cli/io.js'
import { NodeClient } from '../cli/node-client.js'
import { freePorts } from '../testing/free-ports.js'
import { waitFor } from '../testing/wait-for.js'
import { ScriptedSmsc, type Submitted } from '../upstream/testing/smsc.js'
import type { CarillonNode } from './node.js'
import { bind, get, site } from './testing/site.js'
import { serveSmsc } from './testing/serve-smsc.js'

void t.test('an account in Latin-1, an SMSC in septets, and texts over HTTP', async t => {
  const [port] = await freePorts(1)
  const { start } = await site(t, {
    connector: { port: port! },
    account: { defaultAlphabet: 'latin1' },
  })
  const smsc = new ScriptedSmsc({ ...systemClock, ...systemTimers })
  await serveSmsc(t, smsc, port!)
  const node = await start()
  const esme = await bind(node)
  const mo: unknown[] = []
  esme.on('deliver_sm', (pdu: PDU) => {
    mo.push([pdu['data_coding'], (pdu['short_message'] as { message: unknown }).message])
    esme.send(pdu.response())
  })

  const submit = (octets: string, data_coding: number): Promise<PDU> =>
    new Promise(resolve =>
      esme.submit_sm(
        {
          destination_addr: '491701234567',
          data_coding,
          short_message: { message: Buffer.from(octets, 'hex') },
        },
        resolve,
      ),
    )
  await submit('40fc7b', 0) // @ü{
  await submit('ea', 0xf0) // ê, flash
  await submit('40fc7b', 3) // says itself that it is Latin-1
  await waitFor('the SMSC has all three', () => smsc.submitted.length === 3)
  t.same(sorted(smsc), [
    { data_coding: 0, octets: '007e1b28' },
    { data_coding: 3, octets: '40fc7b' },
    { data_coding: 0x18, octets: '00ea' },
  ])

  smsc.deliver('mo', {
    source_addr: '491701234567',
    destination_addr: '1000',
    short_message: Buffer.from('007e1b65', 'hex'),
  })
  await waitFor('the ESME has the MO', () => mo.length === 1)
  t.same(mo, [[8, '@ü€']], 'in UCS-2: Latin-1 has no €')

  const { id } = await post(node, { to: '491701234567', text: 'Grüße, 5 €' })
  await waitFor('the SMSC has it', () => smsc.submitted.length === 4)
  t.same(said(smsc.submitted[3]!), { data_coding: 8, octets: utf16be('Grüße, 5 €') })
  t.notMatch(await get<MessageView>(node, `/api/v1/messages/${id}`), { content: {} })
  t.match(await get<MessageView>(node, `/api/v1/messages/${id}?text=true`), {
    content: { text: 'Grüße, 5 €', alphabet: 'ucs2' },
  })
  const io = recordingIo()
  const client = new NodeClient(`http://127.0.0.1:${node.httpPort}`)
  await carillonGet(client, 'messages', id, { output: 'table', text: true }, io)
  t.match(io.said.join('\n'), 'text      "Grüße, 5 €"\ncoding    ucs2')
  esme.destroy()
  await node.stop(0)
})

void t.test('a long text goes in parts, and comes back as one receipt', async t => {
  const { start, smsc } = await site(t, { connector: { longMessages: 'udh16', window: 2 } })
  await smsc.start()
  const node = await start()
  const esme = await bind(node)
  const receipts: string[] = []
  esme.on('deliver_sm', (pdu: PDU) => {
    receipts.push(`${String(pdu['receipted_message_id'])} ${String(pdu['message_state'])}`)
    esme.send(pdu.response())
  })
  const ids: string[] = []
  for (let n = 0; n < 20; n++) {
    const answer = await new Promise<PDU>(resolve =>
      esme.submit_sm(
        {
          destination_addr: `4917000000${n}`,
          registered_delivery: 1,
          message_payload: { message: Buffer.from(`${n} `.repeat(120)) },
        },
        resolve,
      ),
    )
    ids.push(String(answer['message_id']))
  }
  await waitFor('all receipts', () => receipts.length >= 20)
  t.same(receipts.sort(), ids.map(id => `${id} 2`).sort(), 'one for each, and DELIVERED')
  const parts = Array.from({ length: 20 }, (_, n) => Math.ceil((120 * `${n} `.length) / 152))
  t.equal(
    smsc.stats().submits,
    parts.reduce((sum, count) => sum + count, 0),
  )

  const { id } = await post(node, { to: '491701234567', text: 'Ж'.repeat(150) })
  await waitFor('what came over HTTP is delivered', async () => {
    const { stat } = await get<MessageView>(node, `/api/v1/messages/${id}`)
    return stat === 'DELIVRD'
  })
  esme.destroy()
  await node.stop(0)
})

const said = ({ fields: { data_coding, short_message } }: Submitted) => ({
  data_coding,
  octets: short_message.toString('hex'),
})

/** By data_coding: two binds keep no order. */
const sorted = (smsc: ScriptedSmsc) =>
  smsc.submitted.map(said).sort((a, b) => a.data_coding - b.data_coding)

const utf16be = (text: string): string => Buffer.from(text, 'utf16le').swap16().toString('hex')

async function post(node: CarillonNode, body: object): Promise<MessageView> {
  const answer = await fetch(`http://127.0.0.1:${node.httpPort}/api/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return (await answer.json()) as MessageView
}
