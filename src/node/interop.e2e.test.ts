import t from 'tap'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { freePorts } from '../testing/free-ports.js'
import { waitFor } from '../testing/wait-for.js'
import { Kannel } from './testing/kannel.js'
import { LibSmpp34, missing, NetSmpp, type Said, type Unpacked } from './testing/programs.js'
import { site } from './testing/site.js'

const said = ({ source_addr, destination_addr, esm_class, data_coding, message }: Said): Said => ({
  source_addr,
  destination_addr,
  esm_class,
  data_coding,
  message,
})

const hex = (octets: Buffer | string): string => Buffer.from(octets).toString('hex')
const ucs2 = (text: string): string => Buffer.from(text, 'utf16le').swap16().toString('hex')

/** Messages of every kind, from one end to the other. */
const MESSAGES: readonly (Omit<Said, 'source_addr' | 'destination_addr'> & {
  payload?: boolean
})[] = [
  { esm_class: 0, data_coding: 0, message: hex('Hello') },
  {
    esm_class: 0,
    data_coding: 0,
    message: hex(Buffer.from(Array.from({ length: 128 }, (_, i) => i))),
  },
  {
    esm_class: 0,
    data_coding: 4,
    message: hex(Buffer.from(Array.from({ length: 254 }, (_, i) => 255 - i))),
  },
  { esm_class: 0, data_coding: 8, message: ucs2('Grüße, 世界 😀') },
  { esm_class: 0x40, data_coding: 0, message: `050003aa0201${hex('first of two parts, ')}` },
  { esm_class: 0x40, data_coding: 0, message: `050003aa0202${hex('and the second')}` },
  { esm_class: 0x40, data_coding: 8, message: `060804abcd0201${ucs2('первая')}` },
  { esm_class: 0, data_coding: 0, message: hex('long '.repeat(200)), payload: true },
]

void t.test(
  'Net::SMPP at both ends: each message and each receipt, octet for octet',
  { skip: missing('Net::SMPP') },
  async t => {
    const [smscPort] = await freePorts(1)
    const { start } = await site(t, { connector: { port: smscPort!, binds: 1 } })
    const smsc = await new NetSmpp('smsc', smscPort!).ready()
    t.teardown(() => smsc.stop())
    const node = await start()
    const esme = await new NetSmpp('esme', node.smppPort).ready()
    t.teardown(() => esme.stop())

    const addressed = { source_addr: '1000', destination_addr: '491701234567' }
    for (const { payload, ...message } of MESSAGES) esme.send({ ...addressed, ...message }, payload)
    await waitFor('all receipts', () => esme.heard('deliver_sm').length >= MESSAGES.length)
    const expected = MESSAGES.map(message => said({ ...addressed, ...message }))
    t.same(smsc.heard('submit_sm').map(said), expected)
    const answers = esme.heard('response')
    t.ok(answers.every(({ status }) => status === 0))
    t.same(
      esme
        .heard('deliver_sm')
        .map(({ receipted }) => receipted)
        .sort(),
      answers.map(({ id }) => id).sort(),
      'a receipt for each, with the id it was given',
    )
    for (const { message, esm_class } of esme.heard('deliver_sm')) {
      t.equal(esm_class, 4)
      t.match(Buffer.from(message, 'hex').toString(), /^id:[0-9a-f]{20} sub:001 .* stat:DELIVRD /)
    }

    const back = { source_addr: '491701234567', destination_addr: '1000' }
    for (const { payload, ...message } of MESSAGES) smsc.send({ ...back, ...message }, payload)
    await waitFor('all MO', () => esme.heard('deliver_sm').length >= 2 * MESSAGES.length)
    t.same(
      esme.heard('deliver_sm').slice(MESSAGES.length).map(said),
      MESSAGES.map(message => said({ ...back, ...message })),
    )
    await waitFor(
      'the SMSC has its answers',
      () => smsc.heard('response').length >= 2 * MESSAGES.length,
    )
    t.ok(smsc.heard('response').every(({ status }) => status === 0))
  },
)

void t.test(
  'libsmpp34 takes every PDU that an ESME of 3.4 gets',
  { skip: missing('libsmpp34') },
  async t => {
    const { start, smsc } = await site(t)
    await smsc.start()
    const node = await start()
    const esme = new LibSmpp34(node.smppPort, t.testdir())
    t.teardown(() => esme.stop())
    const next = async (event: string, line?: string): Promise<Unpacked> => {
      const { length } = esme.heard(event)
      if (line !== undefined) esme.tell(line)
      await waitFor(`${event}, after ${line}`, () => esme.heard(event).length > length, {
        detail: () => JSON.stringify(esme.heard()),
      })
      return esme.heard(event)[length]!
    }
    await waitFor('its bind is answered', () => esme.heard('80000009').length > 0)
    t.match(esme.heard('80000009')[0], { status: 0, id: 'carillon', tlvs: [0x0210] })

    const one = await next('80000004', 'submit 491701 hello')
    const other = await next('80000103', 'data 491702 payload')
    const many = await next('80000021', 'multi nobody 491703 491704')
    t.match([one, other, many], [{ status: 0 }, { status: 0 }, { status: 0 }])
    t.same(many.refused, [['nobody', COMMAND_STATUS.ESME_RINVDLNAME]])
    await waitFor('all receipts', () => esme.heard('00000005').length >= 4)
    const idOf = ({ text = '' }: Unpacked): string => /^id:(\w+) /.exec(text)?.[1] ?? text
    t.same(esme.heard('00000005').map(idOf).sort(), [one.id, other.id, many.id, many.id].sort())
    t.match(await next('80000003', `query ${one.id}`), { status: 0, id: one.id, state: 2 })
    for (const [event, line, status] of [
      ['80000008', `cancel ${one.id}`, 'ESME_RCANCELFAIL'],
      ['80000007', `replace ${one.id}`, 'ESME_RREPLACEFAIL'],
      ['80000003', 'query nonsense', 'ESME_RINVMSGID'],
      ['80000004', 'submit', 'ESME_RINVDSTADR'],
      ['80000015', 'enquire', 'ESME_ROK'],
      ['80000006', 'unbind', 'ESME_ROK'],
    ] as const)
      t.equal((await next(event, line)).status, COMMAND_STATUS[status], line)
    t.same(
      esme.heard().filter(({ unpacked }) => !unpacked),
      [],
    )
  },
)

/** What Kannel is asked to send, and the octets that an SMSC must get of it: those of each part, without its UDH. */
const TEXTS: readonly { text: string; coding: 0 | 2; octets: string }[] = [
  { text: 'Hello from Kannel', coding: 0, octets: hex('Hello from Kannel') },
  // GSM 03.38: @ is 0, ü 7e, ß 1e, € 1b65
  { text: '@üß€', coding: 0, octets: '007e1e1b65' },
  { text: 'Grüße, 世界', coding: 2, octets: ucs2('Grüße, 世界') },
  { text: 'ten letters'.repeat(50), coding: 0, octets: hex('ten letters'.repeat(50)) },
  { text: 'десять букв'.repeat(20), coding: 2, octets: ucs2('десять букв'.repeat(20)) },
]

void t.test(
  'Kannel at one end, Net::SMPP at the other: long messages, receipts and MO',
  { skip: missing('Kannel', 'Net::SMPP') },
  async t => {
    const [smscPort] = await freePorts(1)
    const { start } = await site(t, { connector: { port: smscPort!, binds: 1 } })
    const smsc = await new NetSmpp('smsc', smscPort!).ready()
    t.teardown(() => smsc.stop())
    const node = await start()
    const kannel = new Kannel()
    t.teardown(() => kannel.stop())
    await kannel.start(node.smppPort)

    for (const [i, { text, coding }] of TEXTS.entries()) {
      const answer = await kannel.send({
        id: `m${i}`,
        from: '1000',
        to: `49170000000${i}`,
        text,
        coding,
      })
      t.match(answer, /^0: Accepted/)
    }
    const delivered = (): string[] =>
      kannel.news.flatMap(one => (one.kind === 'receipt' && one.type === 1 ? [one.id] : []))
    await waitFor('a receipt for each', () => new Set(delivered()).size === TEXTS.length, {
      timeoutMs: 60_000,
      detail: () => JSON.stringify({ news: kannel.news, smsc: smsc.heard('submit_sm') }),
    })
    for (const [i, { octets, coding }] of TEXTS.entries()) {
      const parts = smsc
        .heard('submit_sm')
        .filter(one => one.destination_addr === `49170000000${i}`)
      t.equal(joined(parts), octets, `text ${i}`)
      t.ok(parts.every(({ data_coding }) => data_coding === (coding === 2 ? 8 : 0)))
    }

    const from = { source_addr: '491709999999', destination_addr: '1000', data_coding: 0 }
    smsc.send({ ...from, esm_class: 0, message: hex('an answer') })
    smsc.send({ ...from, esm_class: 0x40, message: `050003070201${hex('a long answer, ')}` })
    smsc.send({ ...from, esm_class: 0x40, message: `050003070202${hex('in two parts')}` })
    const texts = (): string[] => kannel.news.flatMap(one => (one.kind === 'mo' ? [one.text] : []))
    await waitFor('all MO', () => texts().length >= 2, {
      detail: () => JSON.stringify({ news: kannel.news, smsc: smsc.heard('response') }),
    })
    t.same(texts().sort(), ['a long answer, in two parts', 'an answer'])
  },
)

/** The text of a message's parts, by the number in their UDH (8-bit reference). */
function joined(parts: readonly Said[]): string {
  const numbered = parts.map(({ esm_class, message }) =>
    (esm_class & 0x40) === 0
      ? { number: 1, text: message }
      : { number: parseInt(message.slice(10, 12), 16), text: message.slice(12) },
  )
  return numbered
    .sort((one, other) => one.number - other.number)
    .map(({ text }) => text)
    .join('')
}
