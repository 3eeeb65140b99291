import t from 'tap'
import { decodeBody, encodeBody, tlv } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { waitFor } from '../testing/wait-for.js'
import { connectEsme, site } from './testing/site.js'

const TO_THREE = encodeBody('submit_multi', {
  dest_address: ['49170', '49171', '49172'].map(destination_addr => ({
    dest_flag: 1 as const,
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr,
  })),
  tlvs: [tlv.octets('message_payload', Buffer.alloc(400, 0x61))], // three segments
})

for (const { throughputCounts, refused, leastMs } of [
  { throughputCounts: 'pdus', refused: 0, leastMs: 450 },
  { throughputCounts: undefined, refused: 2, leastMs: 450 },
  { throughputCounts: 'segments', refused: 2, leastMs: 1450 },
] as const)
  void t.test(
    `one token, two a second, and ${throughputCounts ?? 'destinations'} count`,
    async t => {
      const { start, smsc } = await site(t, {
        account: {
          throughputPerSecond: 2,
          ...(throughputCounts === undefined ? {} : { throughputCounts }),
        },
      })
      await smsc.start()
      const node = await start()
      const esme = (await connectEsme(node)).bind()
      await waitFor('the bind', () => esme.binds.length === 1)
      const beganMs = performance.now()
      esme.ask(COMMAND_IDS.submit_multi, TO_THREE)
      await waitFor('the response', () => esme.statuses[0] === 'ESME_ROK')
      const { body } = esme.answers[0]!
      const decoded = decodeBody('submit_multi_resp', body)
      t.equal(decoded.ok && decoded.body.unsuccess_sme.length, refused)
      await waitFor('the next one is taken', () => {
        if (esme.statuses.at(-1) === 'ESME_ROK' && esme.statuses.length > 1) return true
        esme.submit()
        return undefined
      })
      const tookMs = performance.now() - beganMs
      t.ok(tookMs >= leastMs, `${tookMs} ms later`)
      esme.link.close('done')
      await node.stop(0)
    },
  )
