import t from 'tap'
import { SeededRandom } from '../base/random.js'
import { encodeBody, tlv } from '../smpp/codec.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { retryDelayMs, verdictOf } from './errors.js'
import { Pace } from './pace.js'
import { chooseId, readReceipt } from './receipts.js'

for (const { status, nack, verdict } of [
  { status: 'ESME_ROK', nack: false, verdict: 'sent' },
  { status: 'ESME_ROK', nack: true, verdict: 'temporary' },
  { status: 'ESME_RTHROTTLED', nack: false, verdict: 'throttled' },
  { status: 'ESME_RMSGQFUL', nack: false, verdict: 'throttled' },
  { status: 'ESME_RSYSERR', nack: false, verdict: 'temporary' },
  { status: 'ESME_RX_T_APPN', nack: false, verdict: 'temporary' },
  { status: 'ESME_RX_P_APPN', nack: false, verdict: 'permanent' },
  { status: 'ESME_RINVDSTADR', nack: false, verdict: 'permanent' },
  { status: 'ESME_RINVCMDID', nack: true, verdict: 'permanent' },
  { status: 'ESME_RUNKNOWNERR', nack: true, verdict: 'temporary' },
] as const) {
  void t.test(`${status} in a ${nack ? 'generic_nack' : 'response'} is ${verdict}`, async t => {
    t.equal(verdictOf(COMMAND_STATUS[status], nack, {}), verdict)
  })
}

void t.test('settings override the table, by name or by number', async t => {
  t.equal(verdictOf(0x58, false, { ESME_RTHROTTLED: 'permanent' }), 'permanent')
  t.equal(verdictOf(0x0b, false, { ESME_RINVDSTADR: 'temporary' }), 'temporary')
  t.equal(verdictOf(0x44f, false, {}), 'permanent')
  t.equal(verdictOf(0x44f, false, { '0x0000044F': 'temporary' }), 'temporary')
})

void t.test('retries wait longer each time, at most ten minutes or so', async t => {
  t.equal(retryDelayMs('temporary', 1, 0.5), 5000)
  t.equal(retryDelayMs('temporary', 3, 0.5), 20_000)
  t.equal(retryDelayMs('temporary', 255, 0.5), 600_000)
  t.ok(retryDelayMs('throttled', 100, 0.9) < 1500)
})

for (const { tlvId, textId, submit, receipt, awaited, expected } of [
  { tlvId: 'a', textId: 'b', submit: 'text', receipt: 'text', awaited: [], expected: 'a' },
  { tlvId: 'a', textId: 'b', submit: 'text', receipt: 'text', awaited: ['b'], expected: 'b' },
  { tlvId: '', textId: 'b', submit: 'text', receipt: 'text', awaited: [], expected: 'b' },
  { tlvId: '', textId: '', submit: 'hex', receipt: 'dec', awaited: [], expected: '' },
  { tlvId: 'ff', textId: '255', submit: 'hex', receipt: 'dec', awaited: [], expected: '255' },
  { tlvId: '10', textId: '', submit: 'hex', receipt: 'dec', awaited: ['10'], expected: '10' },
  { tlvId: '10', textId: '', submit: 'hex', receipt: 'dec', awaited: ['16'], expected: '16' },
  { tlvId: 'xyz', textId: '', submit: 'hex', receipt: 'hex', awaited: [], expected: 'xyz' },
] as const) {
  void t.test(`TLV '${tlvId}' (${submit}), text '${textId}' (${receipt}): ${expected}`, async t => {
    const said = { tlvId, textId, state: 2, error: 0 }
    const known: readonly string[] = awaited
    t.equal(
      chooseId(said, { submit, receipt }, id => known.includes(id)),
      expected,
    )
  })
}

void t.test('an id of any length fits an entry', async t => {
  for (const format of ['text', 'hex', 'dec'] as const) {
    const said = { tlvId: 'f'.repeat(60_000), textId: '9'.repeat(60_000), state: 2, error: 0 }
    t.ok(chooseId(said, { submit: format, receipt: format }, () => false).length < 256)
  }
})

void t.test('a pace begins with one token and never bursts beyond 50 ms', async t => {
  const pace = new Pace(1000, 0)
  t.equal(pace.take(100, 0), 1)
  t.equal(pace.take(100, 10), 10)
  t.equal(pace.take(1000, 60_000), 50)
  pace.giveBack(20)
  t.equal(pace.take(1000, 60_000), 20)
})

void t.test('what took more tokens than there were is waited for', async t => {
  const pace = new Pace(1000, 0)
  t.equal(pace.take(Infinity, 60), 50)
  pace.giveBack(-20)
  t.equal(pace.take(Infinity, 60), 0)
  t.equal(pace.waitMs(60), 21)
  t.equal(pace.take(Infinity, 90), 10)
})

void t.test('messages of many segments that are all throttled slow the pace', async t => {
  const pace = new Pace(null, 0)
  for (let i = 0; i < 10; i++) {
    pace.wrote(1, 30, i * 100)
    pace.slow(i * 100 + 5)
  }
  t.ok(pace.perSecond !== null && pace.perSecond > 20, `${pace.perSecond} segments a second`)
})

void t.test('no limit, or one of 0, is no limit', async t => {
  for (const limit of [null, 0]) {
    const pace = new Pace(limit, 0)
    t.equal(pace.take(5000, 0), 5000)
    t.equal(pace.perSecond, null)
    t.equal(pace.ahead(20), Infinity)
  }
})

void t.test('throttling halves the pace, down to 1/s, never up; quiet lets it rise', async t => {
  const pace = new Pace(64, 0)
  let at = 0
  let last = 64
  for (let i = 0; i < 20; i++) {
    at += 600
    pace.slow(at)
    pace.recover(at)
    t.ok(pace.perSecond! <= last)
    last = pace.perSecond!
  }
  t.equal(last, 1)
  pace.recover(at + 999)
  t.equal(pace.perSecond, 1)
  for (let i = 1; i <= 70; i++) pace.recover(at + 1000 * i)
  t.equal(pace.perSecond, 64)
})

void t.test('a burst of throttling is one step, and a pace without limit finds one', async t => {
  const pace = new Pace(null, 0)
  for (let i = 0; i < 10; i++) pace.wrote(100, 100, i * 100)
  for (let i = 0; i < 200; i++) pace.slow(1000 + i)
  t.equal(Math.round(pace.perSecond!), 455)
  for (let i = 1; i < 200; i++) pace.recover(1100 + i * 1000)
  t.equal(pace.perSecond, null)
})

void t.test('some full mailboxes among many messages do not slow the connector', async t => {
  const pace = new Pace(null, 0)
  for (let i = 1; i < 6000; i++) {
    pace.wrote(1, 1, i * 10)
    if (i % 50 === 0) pace.slow(i * 10 + 5)
  }
  t.equal(pace.perSecond, null)
  for (let i = 6000; i < 6400; i++) {
    pace.wrote(1, 1, i * 10)
    if (i % 4 === 0) pace.slow(i * 10 + 5)
  }
  t.ok(pace.perSecond! < 100, 'a quarter of them does')
})

const UCS2 = Buffer.from('id:77 stat:UNDELIV err:001', 'utf16le').swap16()
for (const { name, fields, expected } of [
  {
    name: 'the usual text',
    fields: {
      esm_class: 4,
      short_message:
        'id:1 sub:001 dlvrd:001 submit date:2601010000 done date:260101000102 stat:DELIVRD err:000 text:id:2 stat:REJECTD',
    },
    expected: { intermediate: false, tlvId: '', textId: '1', state: 2, error: 0 },
  },
  {
    name: 'a text without most of it',
    fields: { esm_class: 4, short_message: 'ID:0a stat:undeliv ERR:0034' },
    expected: { intermediate: false, tlvId: '', textId: '0a', state: 5, error: 34 },
  },
  {
    name: 'a text in UCS-2',
    fields: { esm_class: 4, data_coding: 8, short_message: UCS2 },
    expected: { intermediate: false, tlvId: '', textId: '77', state: 5, error: 1 },
  },
  {
    name: 'a text that only says that it is UCS-2',
    fields: { esm_class: 4, data_coding: 8, short_message: 'id:77 stat:EXPIRED' },
    expected: { intermediate: false, tlvId: '', textId: '77', state: 3, error: 0 },
  },
  {
    name: 'TLVs alone, esm_class 0',
    fields: {
      tlvs: [
        tlv.cstring('receipted_message_id', 'abc'),
        tlv.uint8('message_state', 2),
        tlv.octets('network_error_code', Buffer.of(3, 1, 2)),
      ],
    },
    expected: { intermediate: false, tlvId: 'abc', textId: '', state: 2, error: 258 },
  },
  {
    name: 'an intermediate notification',
    fields: { esm_class: 0x20, short_message: 'id:9 stat:ENROUTE' },
    expected: { intermediate: true, tlvId: '', textId: '9', state: 1, error: 0 },
  },
  {
    name: 'nothing at all',
    fields: { esm_class: 4, short_message: '' },
    expected: { intermediate: false, tlvId: '', textId: '', state: 0, error: 0 },
  },
  {
    name: 'a message that begins like one',
    fields: { short_message: 'id:5 please' },
    expected: undefined,
  },
  {
    name: "an SME's acknowledgement",
    fields: { esm_class: 8, short_message: 'ok' },
    expected: undefined,
  },
]) {
  void t.test(`a receipt with ${name}`, async t => {
    const { short_message, ...rest } = { short_message: '', ...fields }
    const body = encodeBody('deliver_sm', {
      ...rest,
      short_message: Buffer.from(short_message as Buffer),
    })
    const reader = new SubmitReader()
    t.equal(reader.read(body, 'deliver_sm'), 0)
    t.same(readReceipt(reader), expected)
  })
}

void t.test('no octets of a receipt make it throw', async () => {
  const random = new SeededRandom(3)
  const reader = new SubmitReader()
  for (let i = 0; i < 3000; i++) {
    const body = encodeBody('deliver_sm', {
      esm_class: random.below(256),
      data_coding: random.below(16),
      short_message: random.octets(random.below(60)),
    })
    if (reader.read(body, 'deliver_sm') === 0) readReceipt(reader)
  }
})
