import t from 'tap'
import { encodeBody, tlv } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { waitFor } from '../testing/wait-for.js'
import { connectEsme, site } from './testing/site.js'

const LONG = [tlv.octets('message_payload', Buffer.alloc(400, 0x61))] // three segments
const NONE = Buffer.alloc(0)

for (const { throughputCounts, statuses } of [
  { throughputCounts: 'pdus', statuses: ['ESME_ROK', 'ESME_ROK', 'ESME_ROK', 'ESME_ROK'] },
  {
    throughputCounts: undefined,
    statuses: ['ESME_ROK', 'ESME_ROK', 'ESME_RTHROTTLED', 'ESME_RTHROTTLED'],
  },
  {
    throughputCounts: 'segments',
    statuses: ['ESME_ROK', 'ESME_RTHROTTLED', 'ESME_RTHROTTLED', 'ESME_ROK'],
  },
] as const)
  void t.test(
    `four tokens, and what takes them: ${throughputCounts ?? 'destinations'}`,
    async t => {
      // a tenth of a second's worth, which a test can use up before more comes
      const account = {
        throughputPerSecond: 40,
        ...(throughputCounts === undefined ? {} : { throughputCounts }),
      }
      const { start, smsc } = await site(t, { account })
      await smsc.start()
      const node = await start()
      const esme = (await connectEsme(node)).bind()
      await waitFor('the bind', () => esme.binds.length === 1)
      const dest_address = ['49170', '49171', '49172'].map(destination_addr => ({
        dest_flag: 1 as const,
        dest_addr_ton: 1,
        dest_addr_npi: 1,
        destination_addr,
      }))
      esme.submit({ short_message: NONE, tlvs: LONG })
      const body = encodeBody('submit_multi', { dest_address, short_message: NONE, tlvs: LONG })
      esme.ask(COMMAND_IDS.submit_multi, body)
      esme.submit({ short_message: NONE, tlvs: LONG }).submit()
      await waitFor('four answers', () => esme.statuses.filter(Boolean).length === 4)
      t.same(esme.statuses, statuses)
      esme.link.close('done')
      await node.stop(0)
    },
  )
