import t from 'tap'
import { parseMessageId } from '../journal/index.js'
import { decodeBody, encodeBody, type Tlv } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import type { Account, Connector, VendorTlv } from '../policy/settings.js'
import { account, connector, gateway } from '../testing/gateway.js'
import type { EsmeClient } from './testing/esme-client.js'
import { FrontWorld } from './testing/front-world.js'

const TLVS: VendorTlv[] = [
  { name: 'campaign', tag: 0x1401, type: 'cstring', min: 2, max: 9 },
  { name: 'cost', tag: 0x1402, type: 'uint32', min: 4, max: 4 },
]
const CAMPAIGN = { tag: 0x1401, value: Buffer.from('abc\0') }
const COST = { tag: 0x1402, value: Buffer.of(0, 0, 1, 2) }
const UNKNOWN = { tag: 0x1500, value: Buffer.from('as it is') }

const open = (
  tap: Parameters<typeof FrontWorld.open>[0],
  of: Partial<Account>,
  to: Partial<Connector> = {},
) =>
  FrontWorld.open(tap, {
    settings: gateway({
      tlvs: TLVS,
      accounts: [account('esme1', of)],
      connectors: [connector('smsc-a', to)],
    }),
  })

/** Tags of what the journal has of the last accepted message. */
function kept(world: FrontWorld, esme: EsmeClient): number[] {
  const { ref } = parseMessageId(esme.answers.at(-1)!.message_id)!
  const stored = world.cluster.journal.message(ref)
  const decoded = decodeBody('submit_sm', stored!.body)
  return decoded.ok ? decoded.body.tlvs.map(({ tag }) => tag) : []
}

void t.test('without a rule all TLVs pass, whatever the registry says of them', async t => {
  const world = await open(t, {})
  const esme = world.bound().submit({ tlvs: [{ tag: 0x1401, value: Buffer.alloc(99) }, UNKNOWN] })
  world.time.turn()
  t.same(esme.statuses, ['ESME_ROK'])
  t.same(kept(world, esme), [0x1401, 0x1500])
})

for (const [what, rules] of [
  ['the account', [{ tlvs: { from: { campaign: 'require', cost: 'refuse' } } }, {}]],
  ['the connector', [{}, { tlvs: { to: { campaign: 'require', cost: 'refuse' } } }]],
] as [string, [Partial<Account>, Partial<Connector>]][])
  void t.test(`rules of ${what}: a submit is refused with the standard's own status`, async t => {
    const world = await open(t, ...rules)
    const esme = world.bound()
    const tlvs: Tlv[][] = [
      [UNKNOWN],
      [CAMPAIGN],
      [CAMPAIGN, COST],
      [{ tag: 0x1401, value: Buffer.from('much too long\0') }],
      [{ tag: 0x1401, value: Buffer.from('abc') }],
    ]
    for (const each of tlvs) esme.submit({ tlvs: each })
    world.time.turn()
    t.same(esme.statuses, [
      'ESME_RMISSINGOPTPARAM',
      'ESME_ROK',
      'ESME_ROPTPARNOTALLWD',
      'ESME_RINVPARLEN',
      'ESME_RINVOPTPARAMVAL',
    ])
  })

void t.test('a data_sm and a submit_multi are held to the same', async t => {
  const world = await open(t, { tlvs: { from: { campaign: 'require' } } })
  const esme = world.bound()
  const destinations = ['49170', '49171'].map(destination_addr => ({
    dest_flag: 1 as const,
    dest_addr_ton: 0,
    dest_addr_npi: 0,
    destination_addr,
  }))
  for (const tlvs of [[], [CAMPAIGN]]) {
    esme.ask(COMMAND_IDS.data_sm, encodeBody('data_sm', { destination_addr: '49170', tlvs }))
    const multi = { dest_address: destinations, short_message: Buffer.from('x'), tlvs }
    esme.ask(COMMAND_IDS.submit_multi, encodeBody('submit_multi', multi))
  }
  world.time.turn()
  t.same(esme.statuses, ['ESME_RMISSINGOPTPARAM', 'ESME_RMISSINGOPTPARAM', 'ESME_ROK', 'ESME_ROK'])
})

void t.test('a peer of SMPP 3.3 is told in a status that it has', async t => {
  const world = await open(t, { tlvs: { from: { campaign: 'require' } } })
  const esme = world.bound({ interface_version: 0x33 }, 'bind_transmitter').submit()
  world.time.turn()
  t.same(esme.statuses, ['ESME_RSUBMITFAIL'])
})

void t.test('what is stripped never comes into the journal, scheduled or not', async t => {
  const world = await open(
    t,
    { tlvs: { from: { campaign: 'strip' } } },
    { tlvs: { to: { campaign: 'refuse', cost: 'strip' } } },
  )
  const esme = world.bound()
  const tlvs = [CAMPAIGN, COST, UNKNOWN]
  for (const schedule_delivery_time of ['', '000000010000000R']) {
    esme.submit({ tlvs, schedule_delivery_time })
    world.time.turn()
    t.same(kept(world, esme), [0x1402, 0x1500], 'what the connector strips is there')
  }
  t.same(esme.statuses, ['ESME_ROK', 'ESME_ROK'], 'the connector sees what is left')
})

void t.test('receipts and MO go out without what the account is not to see', async t => {
  const world = await open(t, { tlvs: { to: { cost: 'strip' } } })
  const esme = world.bound()
  world.mo(['hello'], { tlvs: [COST, CAMPAIGN, UNKNOWN] })
  world.time.turn()
  t.same(
    esme.delivered.map(({ tlvs }) => tlvs.map(({ tag }) => tag)),
    [[0x1401, 0x1500]],
  )
})

void t.test('a new revision counts from the next submit on', async t => {
  const world = await open(t, { tlvs: { from: { campaign: 'require' } } })
  const esme = world.bound().submit()
  world.time.turn()
  const [first, second] = TLVS
  world.cluster.apply(
    gateway({
      tlvs: [
        { ...first!, tag: 0x1402 },
        { ...second!, tag: 0x1401 },
      ],
      accounts: [account('esme1', { tlvs: { from: { campaign: 'require' } } })],
    }),
  )
  esme.submit({ tlvs: [CAMPAIGN] }).submit({ tlvs: [{ tag: 0x1402, value: CAMPAIGN.value }] })
  world.time.turn()
  t.same(esme.statuses, ['ESME_RMISSINGOPTPARAM', 'ESME_RMISSINGOPTPARAM', 'ESME_ROK'])
})
