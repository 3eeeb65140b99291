import t from 'tap'
import { systemClock, systemTimers } from '../base/clock.js'
import type { Tlv } from '../smpp/codec.js'
import { freePorts } from '../testing/free-ports.js'
import { waitFor } from '../testing/wait-for.js'
import { ScriptedSmsc } from '../upstream/testing/smsc.js'
import { connectEsme, site } from './testing/site.js'
import { serveSmsc } from './testing/serve-smsc.js'

const CAMPAIGN: Tlv = { tag: 0x1401, value: Buffer.from('abc\0') }
const COST: Tlv = { tag: 0x1402, value: Buffer.of(0, 0, 1, 2) }
const TRACE: Tlv = { tag: 0x1403, value: Buffer.of(1, 2, 3) }
const UNKNOWN: Tlv = { tag: 0x1500, value: Buffer.from('as it is') }

const tags = ({ tlvs }: { tlvs: readonly Tlv[] }): number[] => tlvs.map(({ tag }) => tag)

void t.test('TLVs of vendors from an ESME to an SMSC and back, by rule', async t => {
  const [port] = await freePorts(1)
  const smsc = new ScriptedSmsc({ ...systemClock, ...systemTimers })
  await serveSmsc(t, smsc, port!)
  const { start } = await site(t, {
    gateway: {
      tlvs: [
        { name: 'campaign', tag: 0x1401, type: 'cstring', min: 2, max: 9 },
        { name: 'cost', tag: 0x1402, type: 'uint32', min: 4, max: 4 },
        { name: 'trace', tag: 0x1403, type: 'octets', min: 0, max: 16 },
      ],
    },
    account: { tlvs: { from: { campaign: 'require', cost: 'refuse' }, to: { trace: 'strip' } } },
    connector: { port: port!, tlvs: { to: { trace: 'strip' }, from: { campaign: 'strip' } } },
  })
  const node = await start()
  const esme = (await connectEsme(node)).bind()
  await waitFor('the bind', () => esme.binds.length === 1)

  esme
    .submit()
    .submit({ tlvs: [CAMPAIGN, COST] })
    .submit({ tlvs: [{ tag: 0x1401, value: Buffer.from('much too long\0') }] })
    .submit({ tlvs: [CAMPAIGN, TRACE, UNKNOWN] })
  await waitFor('four answers', () => esme.statuses.filter(Boolean).length === 4)
  t.same(esme.statuses, [
    'ESME_RMISSINGOPTPARAM',
    'ESME_ROPTPARNOTALLWD',
    'ESME_RINVPARLEN',
    'ESME_ROK',
  ])
  await waitFor('the SMSC has the one', () => smsc.submitted.length === 1)
  t.same(tags(smsc.submitted[0]!.fields), [0x1401, 0x1500])

  smsc.deliver('mo', {
    source_addr: '491701234567',
    destination_addr: '1000',
    short_message: Buffer.from('hello'),
    tlvs: [CAMPAIGN, COST, TRACE, UNKNOWN],
  })
  await waitFor('the MO', () => esme.delivered.length === 1)
  t.same(tags(esme.delivered[0]!), [0x1402, 0x1500])

  const answer = await fetch(`http://127.0.0.1:${node.httpPort}/api/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ to: '491701234567', text: 'hello' }),
  })
  t.equal(answer.status, 422)
  t.match(await answer.json(), { title: 'ESME_RMISSINGOPTPARAM' })
  esme.link.close('done')
  await node.stop(0)
})
