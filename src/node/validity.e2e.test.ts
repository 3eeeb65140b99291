import type { PDU } from 'smpp'
import t from 'tap'
import { systemClock, systemTimers } from '../base/clock.js'
import { freePorts } from '../testing/free-ports.js'
import { waitFor } from '../testing/wait-for.js'
import { ScriptedSmsc } from '../upstream/testing/smsc.js'
import { bind, site } from './testing/site.js'
import { serveSmsc } from './testing/serve-smsc.js'

void t.test(
  'what waited for its SMSC, or its schedule, does not outlive what its ESME asked',
  async t => {
    const [port] = await freePorts(1)
    const { start } = await site(t, { connector: { port: port! } })
    const node = await start()
    const esme = await bind(node)
    const submit = (text: string, over: object): Promise<PDU> =>
      new Promise(resolve =>
        esme.submit_sm({ destination_addr: '491701234567', short_message: text, ...over }, resolve),
      )
    const beganAtMs = performance.now()
    const validity_period = '000000000100000R' // a minute
    await submit('waits', { validity_period })
    await submit('over', { validity_period: '000000000001000R' })
    await submit('due', { validity_period, schedule_delivery_time: '000000000003000R' })
    await waitFor('two seconds have passed', () => performance.now() - beganAtMs >= 2000)

    const smsc = new ScriptedSmsc({ ...systemClock, ...systemTimers })
    const arrivedAtMs: number[] = []
    smsc.answer = ({ ordinal }) => {
      arrivedAtMs.push(performance.now())
      return { id: `s${ordinal}` }
    }
    await serveSmsc(t, smsc, port!)
    await waitFor('the SMSC has both', () => smsc.submitted.length === 2)
    t.same(smsc.texts.sort(), ['due', 'waits'], 'what is over does not leave')
    for (const [i, { fields, text }] of smsc.submitted.entries()) {
      const [, minutes, seconds] = /^00000000(\d\d)(\d\d)000R$/.exec(fields.validity_period) ?? []
      const said = Number(minutes) * 60 + Number(seconds)
      const left = 60 - (arrivedAtMs[i]! - beganAtMs) / 1000
      t.ok(said <= left + 1, `${text}: ${said} s, ${left} s were left`)
      t.ok(said >= left - 3, 'and not much less')
      t.equal(fields.schedule_delivery_time, '', 'its schedule was ours')
    }
    esme.destroy()
    await node.stop(0)
  },
)
