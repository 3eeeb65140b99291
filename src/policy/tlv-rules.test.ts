import t from 'tap'
import { encodeBody, tlv } from '../smpp/codec.js'
import type { TlvAction, VendorTlv } from './settings.js'
import { TlvRules } from './tlv-rules.js'

const REGISTRY: VendorTlv[] = [
  { name: 'campaign', tag: 0x1401, type: 'cstring', min: 2, max: 5 },
  { name: 'cost', tag: 0x1402, type: 'uint32', min: 4, max: 4 },
  { name: 'blob', tag: 0x3fff, type: 'octets', min: 0, max: 3 },
]
const CAMPAIGN = { tag: 0x1401, value: Buffer.from('abc\0') }
const COST = { tag: 0x1402, value: Buffer.of(0, 0, 1, 2) }
const BLOB = { tag: 0x3fff, value: Buffer.of() }
const UNKNOWN = { tag: 0x1500, value: Buffer.from('as it is') }

const submit = (...tlvs: { tag: number; value: Buffer }[]): Buffer =>
  encodeBody('submit_sm', { destination_addr: '49170', short_message: Buffer.from('x'), tlvs })

const rules = (actions: Record<string, TlvAction>): TlvRules => new TlvRules(REGISTRY, actions)

const campaign = (octets: string) => submit({ tag: 0x1401, value: Buffer.from(octets) })

for (const { title, actions, body, problem } of [
  { title: 'without', actions: { campaign: 'require' }, body: submit(COST), problem: 'tlvMissing' },
  { title: 'without any', actions: { campaign: 'require' }, body: submit(), problem: 'tlvMissing' },
  { title: 'with it', actions: { campaign: 'require' }, body: submit(COST, CAMPAIGN) },
  { title: 'as short as may be', actions: { campaign: 'allow' }, body: campaign('a\0') },
  {
    title: 'too short',
    actions: { campaign: 'require' },
    body: campaign('\0'),
    problem: 'tlvLength',
  },
  { title: 'as long as may be', actions: { campaign: 'allow' }, body: campaign('abcd\0') },
  {
    title: 'too long',
    actions: { campaign: 'allow' },
    body: campaign('abcde\0'),
    problem: 'tlvLength',
  },
  {
    title: 'without its NUL',
    actions: { campaign: 'allow' },
    body: campaign('abc'),
    problem: 'tlvValue',
  },
  {
    title: 'with a NUL too many',
    actions: { campaign: 'allow' },
    body: campaign('ab\0\0'),
    problem: 'tlvValue',
  },
  {
    title: 'an integer of other octets',
    actions: { cost: 'allow' },
    body: submit({ tag: 0x1402, value: Buffer.of(0, 1) }),
    problem: 'tlvLength',
  },
  {
    title: 'octets beyond their bound',
    actions: { blob: 'allow' },
    body: submit({ tag: 0x3fff, value: Buffer.alloc(4) }),
    problem: 'tlvLength',
  },
  { title: 'no octets', actions: { blob: 'require' }, body: submit(BLOB) },
  {
    title: 'that is refused',
    actions: { cost: 'refuse' },
    body: submit(CAMPAIGN, COST),
    problem: 'tlvNotAllowed',
  },
  { title: 'that is refused, and not there', actions: { cost: 'refuse' }, body: submit(CAMPAIGN) },
  {
    title: 'that is stripped, in any length',
    actions: { campaign: 'strip' },
    body: campaign('much too long'),
  },
  {
    title: 'that no rule names, in any length',
    actions: { cost: 'require' },
    body: submit(COST, ...[{ tag: 0x1401, value: Buffer.alloc(99) }]),
  },
] as { title: string; actions: Record<string, TlvAction>; body: Buffer; problem?: string }[])
  void t.test(`a submit ${title}: ${problem ?? 'taken'}`, async t => {
    t.equal(rules(actions).problem(body), problem)
  })

void t.test('strip takes the TLV wherever it stands, and nothing else', async t => {
  const strips = rules({ campaign: 'strip', cost: 'require' })
  const callback = tlv.octets('callback_num', Buffer.from([0x14, 0x01, 0, 0]))
  t.same(strips.stripped(submit(CAMPAIGN, COST, UNKNOWN), 'submit_sm'), submit(COST, UNKNOWN))
  t.same(
    strips.stripped(submit(callback, CAMPAIGN, UNKNOWN, CAMPAIGN), 'submit_sm'),
    submit(callback, UNKNOWN),
    'twice, and not where its octets are another value',
  )
  t.same(strips.stripped(submit(CAMPAIGN), 'submit_sm'), submit())
  const stray = Buffer.concat([submit(COST, CAMPAIGN), Buffer.of(0, 0)])
  t.same(strips.stripped(stray, 'submit_sm'), Buffer.concat([submit(COST), Buffer.of(0, 0)]))
  const deliver = (...tlvs: object[]) => encodeBody('deliver_sm', { tlvs: tlvs as (typeof COST)[] })
  t.same(strips.stripped(deliver(CAMPAIGN, COST), 'deliver_sm'), deliver(COST))
})

void t.test('what has nothing to strip is not copied', async t => {
  const body = submit(COST, UNKNOWN)
  t.equal(rules({ campaign: 'strip' }).stripped(body, 'submit_sm'), body)
  t.equal(rules({ cost: 'require' }).stripped(body, 'submit_sm'), body)
  const cut = body.subarray(0, 9)
  t.equal(rules({ cost: 'strip' }).stripped(cut, 'submit_sm'), cut, 'nor what cannot be read')
})

void t.test('a name that is in no registry says nothing', async t => {
  t.equal(rules({ other: 'refuse' }).problem(submit(COST)), undefined)
})
