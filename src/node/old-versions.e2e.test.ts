import t from 'tap'
import { decodeBody, encodeBody } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { waitFor } from '../testing/wait-for.js'
import { connectEsme, site } from './testing/site.js'

void t.test(
  'what one version of SMPP alone has: 3.3 and 5.0 ask, each in its own words',
  async t => {
    const { start } = await site(t)
    const node = await start()
    const old = (await connectEsme(node)).bind({ interface_version: 0x33 }, 'bind_transmitter')
    const recent = (await connectEsme(node)).bind({ interface_version: 0x50 }, 'bind_transmitter')
    await waitFor('both are bound', () => old.binds.length + recent.binds.length === 2)

    old.submit({ short_message: Buffer.from('hello') })
    await waitFor('its answer', () => old.statuses[0] === 'ESME_ROK')
    const { message_id } = old.answers[0]!
    old
      .ask(
        COMMAND_IDS.query_msg_details,
        encodeBody('query_msg_details', { message_id, sm_length: 160 }),
      )
      .ask(
        COMMAND_IDS.query_last_msgs,
        encodeBody('query_last_msgs', { source_addr: '1000', num_msgs: 5 }),
      )
      .ask(COMMAND_IDS.param_retrieve, encodeBody('param_retrieve', { param_name: 'x' }))
      .ask(COMMAND_IDS.broadcast_sm, encodeBody('broadcast_sm', {}))
    recent
      .ask(COMMAND_IDS.broadcast_sm, encodeBody('broadcast_sm', {}))
      .ask(COMMAND_IDS.query_broadcast_sm, encodeBody('query_broadcast_sm', { message_id }))
      .ask(COMMAND_IDS.cancel_broadcast_sm, encodeBody('cancel_broadcast_sm', { message_id }))
      .ask(COMMAND_IDS.param_retrieve, encodeBody('param_retrieve', { param_name: 'x' }))
    await waitFor('all answers', () => {
      const count = [...old.statuses, ...recent.statuses].filter(Boolean).length
      return count === 9
    })
    t.same(old.statuses.slice(1), [
      'ESME_ROK',
      'ESME_RQUERYFAIL',
      'ESME_RPARAMRETFAIL',
      'ESME_RINVCMDID',
    ])
    t.same(recent.statuses, [
      'ESME_RBCASTFAIL',
      'ESME_RBCASTQUERYFAIL',
      'ESME_RBCASTCANCELFAIL',
      'ESME_RINVCMDID',
    ])
    const said = decodeBody('query_msg_details_resp', old.answers[1]!.body)
    t.match(said.ok && said.body, {
      message_id,
      short_message: Buffer.from('hello'),
      message_state: 1,
    })
    for (const esme of [old, recent]) esme.link.close('done')
    await node.stop(0)
  },
)
