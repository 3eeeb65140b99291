import t from 'tap'
import type { EsmeClient } from '../front/testing/esme-client.js'
import { findTlv } from '../smpp/codec.js'
import { waitFor } from '../testing/wait-for.js'
import { MO_CONCATENATIONS } from '../tools/smsc-faults.js'
import { connectEsme, site } from './testing/site.js'

for (const moConcatenation of MO_CONCATENATIONS)
  void t.test(
    `an MO in parts by ${moConcatenation} comes to the ESME whole, over two binds and a restart between its parts`,
    async t => {
      const { start, smsc } = await site(t, {
        account: { longMo: 'whole', longMoTimeoutMs: 60_000 },
      })
      await smsc.start()
      let node = await start()
      await waitFor('the binds', () => smsc.stats().sessions.length === 2)
      const esmes: EsmeClient[] = []
      const listen = async (): Promise<void> => {
        esmes.push((await connectEsme(node)).bind({ interface_version: 0x34 }))
      }
      const got = (): string[] =>
        esmes
          .flatMap(({ delivered }) => delivered)
          .map(({ short_message, tlvs }) =>
            (findTlv(tlvs, 'message_payload') ?? short_message).toString('latin1'),
          )
      await listen()
      smsc.change({ moPerSecond: 20, moParts: 3, moConcatenation })
      await waitFor('some', () => got().length >= 20)
      await node.stop(0)
      node = await start()
      await listen()
      const before = got().length
      await waitFor('more', () => got().length >= before + 10)
      smsc.change({ moPerSecond: 0 })
      await waitFor('all', () => {
        const { waiting, acknowledged } = smsc.stats().mo
        return waiting === 0 && new Set(got()).size * 3 === acknowledged
      })
      t.same(new Set(got().map(text => text.length)), new Set([360]), 'nothing came in parts')
      t.ok(got().every(text => /^T=\w{6}-\d{8}; from a mobile\.+$/.test(text)))
      await node.stop(0)
    },
  )
