import t from 'tap'
import { decodeBody, encodeBody, tlv, type Body } from '../smpp/codec.js'
import { COMMAND_IDS, type BindName, type CommandName } from '../smpp/command-ids.js'
import { account, gateway } from '../testing/gateway.js'
import type { EsmeClient } from './testing/esme-client.js'
import { FrontWorld } from './testing/front-world.js'
import { answers, openTwo, submitted } from './testing/late-requests.js'

// What one version of the standard alone has.

const BROADCAST = { service_type: 'CBS', source_addr: '1000' }
const SOURCE = { source_addr: '1000', num_msgs: 10 }

for (const { command, body, version, status } of [
  {
    command: 'broadcast_sm',
    body: encodeBody('broadcast_sm', BROADCAST),
    version: 0x50,
    status: 'ESME_RBCASTFAIL',
  },
  {
    command: 'broadcast_sm',
    body: encodeBody('broadcast_sm', BROADCAST),
    version: 0x34,
    status: 'ESME_RINVCMDID',
  },
  { command: 'broadcast_sm', body: Buffer.from('CBS'), version: 0x50, status: 'ESME_RINVSERTYP' },
  {
    command: 'query_broadcast_sm',
    body: encodeBody('query_broadcast_sm', {}),
    version: 0x50,
    status: 'ESME_RBCASTQUERYFAIL',
  },
  {
    command: 'cancel_broadcast_sm',
    body: encodeBody('cancel_broadcast_sm', {}),
    version: 0x50,
    status: 'ESME_RBCASTCANCELFAIL',
  },
  {
    command: 'cancel_broadcast_sm',
    body: encodeBody('cancel_broadcast_sm', {}),
    version: 0x33,
    status: 'ESME_RINVCMDID',
  },
  {
    command: 'query_last_msgs',
    body: encodeBody('query_last_msgs', SOURCE),
    version: 0x33,
    status: 'ESME_RQUERYFAIL',
  },
  {
    command: 'query_last_msgs',
    body: encodeBody('query_last_msgs', { ...SOURCE, num_msgs: 0 }),
    version: 0x33,
    status: 'ESME_RINVNUMMSGS',
  },
  {
    command: 'query_last_msgs',
    body: encodeBody('query_last_msgs', SOURCE),
    version: 0x34,
    status: 'ESME_RINVCMDID',
  },
  {
    command: 'param_retrieve',
    body: encodeBody('param_retrieve', { param_name: 'x' }),
    version: 0x33,
    status: 'ESME_RPARAMRETFAIL',
  },
  {
    command: 'query_msg_details',
    body: encodeBody('query_msg_details', { message_id: '1' }),
    version: 0x50,
    status: 'ESME_RINVCMDID',
  },
] as { command: CommandName; body: Buffer; version: number; status: string }[])
  void t.test(
    `${command} of ${body.length} octets in version ${version.toString(16)}: ${status}`,
    async t => {
      const world = await FrontWorld.open(t)
      const esme = world.bound({ interface_version: version }, 'bind_transmitter')
      esme.ask(COMMAND_IDS[command], body).submit()
      world.time.turn()
      t.same(esme.statuses, [status, 'ESME_ROK'], 'and the session goes on')
      t.equal(esme.answers[0]!.body.length, 0)
    },
  )

for (const [bind, version, command] of [
  ['bind_receiver', 0x50, 'broadcast_sm'],
  ['bind_receiver', 0x33, 'query_msg_details'],
  ['bind_receiver', 0x33, 'query_last_msgs'],
] as [BindName, number, CommandName][])
  void t.test(`${command} of a receiver is answered ESME_RINVBNDSTS`, async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound({ interface_version: version }, bind)
    esme.ask(COMMAND_IDS[command], Buffer.alloc(0))
    world.time.turn()
    t.same(esme.statuses, ['ESME_RINVBNDSTS'])
  })

const V33 = { interface_version: 0x33 }

/** Asks as a transmitter of 3.3. */
async function details(
  world: FrontWorld,
  esme: EsmeClient,
  message_id: string,
  sm_length = 255,
): Promise<string | Body<'query_msg_details_resp'>> {
  esme.ask(
    COMMAND_IDS.query_msg_details,
    encodeBody('query_msg_details', { message_id, sm_length }),
  )
  const [status = ''] = await answers(world, esme, 1)
  if (status !== 'ESME_ROK') return status
  const decoded = decodeBody('query_msg_details_resp', esme.answers.at(-1)!.body)
  return decoded.ok ? decoded.body : decoded.problem.parameter
}

void t.test('query_msg_details: what was submitted, and what became of it', async t => {
  const world = await openTwo(t)
  const esme = world.bound(V33, 'bind_transmitter')
  const [id = ''] = submitted(world, esme, {
    service_type: 'CMT',
    source_addr_ton: 5,
    protocol_id: 7,
    priority_flag: 1,
    validity_period: '000000010000000R',
    data_coding: 0,
    dest_addr_ton: 1,
  })
  t.equal(id.length, 8)
  t.match(await details(world, esme, id), {
    service_type: 'CMT',
    source_addr_ton: 5,
    source_addr: '1000',
    dest_address: [{ dest_flag: 1, dest_addr_ton: 1, destination_addr: '491701234567' }],
    protocol_id: 7,
    priority_flag: 1,
    validity_period: '000000010000000R',
    registered_delivery: 1,
    short_message: Buffer.from('hello'),
    message_id: id,
    final_date: '',
    message_state: 1,
    error_code: 0,
  })
  t.match(await details(world, esme, id, 3), { short_message: Buffer.from('hel') })
  t.match(await details(world, esme, id, 0), { short_message: Buffer.alloc(0) })
  world.receipts(world.dispatch())
  t.match(await details(world, esme, id), { message_state: 2, final_date: /^26/ })
})

void t.test('query_msg_details: nobody sees another account’s, and no id is none', async t => {
  const world = await openTwo(t)
  const esme = world.bound(V33, 'bind_transmitter')
  const other = world.bound({ ...V33, system_id: 'esme2' }, 'bind_transmitter')
  const [id = ''] = submitted(world, esme, {})
  t.equal(await details(world, other, id), 'ESME_RQUERYFAIL')
  t.equal(await details(world, esme, 'nonsense'), 'ESME_RINVMSGID')
})

void t.test('query_msg_details of a submit_multi names all of its destinations', async t => {
  const world = await FrontWorld.open(t, { settings: gateway({ accounts: [account('esme1')] }) })
  const esme = world.bound(V33, 'bind_transmitter')
  const dest_address = ['491', '492'].map(destination_addr => ({
    dest_flag: 1 as const,
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr,
  }))
  const tlvs = [tlv.octets('message_payload', Buffer.from('long'))]
  esme.ask(
    COMMAND_IDS.submit_multi,
    encodeBody('submit_multi', { source_addr: '1000', dest_address, tlvs }),
  )
  world.time.turn()
  const { message_id } = esme.answers[0]!
  t.match(await details(world, esme, message_id), {
    dest_address,
    short_message: Buffer.from('long'),
  })
})

void t.test('query_msg_details of a message whose octets are gone fails', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound(V33, 'bind_transmitter')
  const [id = ''] = submitted(world, esme, {})
  world.cluster.journal.message = () => undefined
  t.equal(await details(world, esme, id), 'ESME_RQUERYFAIL')
})
