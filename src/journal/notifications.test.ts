import t from 'tap'
import type { Command } from './commands.js'
import { refOf } from './ids.js'
import { MESSAGE_STATE } from './marks.js'
import { claim, inboundOf, outcomes, receipt, replace } from './testing/commands.js'
import { accept, TestLog, type TestSubmit } from './testing/log.js'

// registered_delivery, SMPP 3.4 §5.2.17.
const NOTIFY = 0x10
const SENT = { result: 'sent', smscId: 's' } as const

async function sentLog(submit: TestSubmit, rules?: number) {
  const log = await TestLog.ready()
  if (rules !== undefined) log.state.setRules(rules)
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([submit]))
  log.propose(home, claim(log))
  log.propose(home, outcomes(log, { ref: refOf(index, 0), ...SENT }))
  log.effects = []
  return { log, home, index, block: log.state.blocks.get(index)! }
}

/** An intermediate notification of connector 1's SMSC. */
function notification(smscId: string, { error = 0, state = 1, text = '' } = {}): Command {
  const command = receipt(smscId, state)
  if (command.kind !== 'inbound') throw new Error('no inbound')
  const [item] = command.items
  return {
    ...command,
    items: [{ ...item!, kind: 'receipt', intermediate: true, error, body: Buffer.from(text) }],
  } as Command
}

/** What the account is owed: which entry each lies in. */
const owed = ({ account }: TestLog): number[] => {
  const { head, tail } = account.deliveries
  return Array.from({ length: tail - head }, (_, i) => account.delivery(head + i))
    .filter(delivery => delivery !== undefined)
    .map(({ inbound }) => Math.floor(inbound / 4096))
}

for (const { asked, final, intermediate } of [
  { asked: 0, final: [], intermediate: false },
  { asked: 1, final: [2, 5], intermediate: false },
  { asked: 2, final: [5], intermediate: false },
  { asked: 3, final: [2], intermediate: false },
  { asked: NOTIFY, final: [], intermediate: true },
  { asked: NOTIFY | 1, final: [2, 5], intermediate: true },
  { asked: NOTIFY | 2, final: [5], intermediate: true },
  { asked: NOTIFY | 3, final: [2], intermediate: true },
  { asked: 0x0c, final: [], intermediate: false },
])
  for (const state of [MESSAGE_STATE.DELIVERED, MESSAGE_STATE.UNDELIVERABLE])
    void t.test(
      `registered_delivery ${asked}, a notification, and a receipt with state ${state}`,
      async t => {
        const { log, home, index, block } = await sentLog({ registered_delivery: asked })
        const awaits = (asked & 0x13) !== 0
        t.equal(log.markOf(index, 0), awaits ? 'SENT' : 'DONE')
        log.propose(home, notification('s', { error: 7 }))
        const noted = log.entries.length
        t.same(owed(log), intermediate ? [noted] : [])
        if (awaits) {
          t.equal(log.markOf(index, 0), 'SENT', 'it concludes nothing')
          t.equal(block.state(0), MESSAGE_STATE.ENROUTE)
          t.equal(block.error(0), 7)
        }
        log.propose(home, receipt('s', state))
        t.equal(log.markOf(index, 0), 'DONE')
        const receipts = final.includes(state) ? [log.entries.length] : []
        t.same(owed(log), [...(intermediate ? [noted] : []), ...receipts], 'in their order')
        t.equal(log.state.smscIds.size, 0)
        const { head, tail } = log.account.deliveries
        const seqs = Array.from({ length: tail - head }, (_, i) => head + i)
        log.propose(1, { kind: 'delivered', account: 1, epoch: 0, seqs, expired: false })
        t.equal(block.open, 0)
      },
    )

void t.test('receipts of ours are made as the bits say, and no notifications', async t => {
  for (const [asked, count] of [
    [0, 0],
    [1, 1],
    [2, 1],
    [3, 0],
    [NOTIFY, 0],
    [NOTIFY | 2, 1],
  ] as const) {
    const log = await TestLog.ready()
    const { index } = log.proposed(1, accept([{ registered_delivery: asked }]))
    log.propose(1, { kind: 'cancel', account: 1, refs: [refOf(index, 0)] })
    t.equal(log.state.receiptsQueued, count, `registered_delivery ${asked}, DELETED`)
  }
})

void t.test('whatever a notification says, it concludes nothing', async t => {
  const { log, home, index } = await sentLog({ registered_delivery: NOTIFY | 1 })
  for (const state of [0, 1, 2, 3, 5, 8])
    log.propose(home, notification('s', { state, text: `${state}` }))
  t.equal(log.markOf(index, 0), 'SENT')
  t.equal(log.state.receiptsQueued, 6)
})

void t.test('a notification that the SMSC sends again is owed once, a later one too', async t => {
  const { log, home } = await sentLog({ registered_delivery: NOTIFY | 1 })
  log.propose(home, notification('s', { text: 'phone off' }))
  t.same(inboundOf(log.propose(home, notification('s', { text: 'phone off' }))), ['matched'])
  t.equal(log.state.receiptsQueued, 1)
  await log.state.flush()
  await log.restart()
  log.propose(home, notification('s', { text: 'phone off' }))
  t.equal(log.state.receiptsQueued, 1, 'a process that began since knows it, too')
  log.propose(home, notification('s', { text: 'memory full' }))
  t.equal(log.state.receiptsQueued, 2)
  log.propose(home, receipt('s'))
  t.same(inboundOf(log.propose(home, notification('s', { text: 'late' }))), ['kept'])
  t.equal(log.state.receiptsQueued, 3, 'none follows the receipt')
})

void t.test('notifications that overtake the submit_sm_resp come before the receipt', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([{ registered_delivery: NOTIFY | 1 }]))
  log.propose(home, claim(log))
  const early = [
    notification('s', { text: 'a' }),
    notification('s', { text: 'a' }),
    notification('s', { text: 'b' }),
    receipt('s'),
  ].map(command => {
    t.same(inboundOf(log.propose(home, command)), ['kept'])
    return log.entries.length
  })
  await log.state.flush()
  await log.restart()
  log.propose(home, outcomes(log, { ref: refOf(index, 0), ...SENT }))
  t.same(owed(log), [early[0], early[2], early[3]])
  t.equal(log.markOf(index, 0), 'DONE')
})

void t.test('a notification settles a doubt as a receipt does', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([{ registered_delivery: NOTIFY }]))
  log.propose(home, claim(log))
  log.propose(home, outcomes(log, { ref: refOf(index, 0), result: 'doubt' }))
  log.propose(home, notification('s'))
  t.equal(log.markOf(index, 0), 'SENT')
  t.equal(log.state.receiptsQueued, 1)
})

void t.test('of a message in parts the first that is not delivered speaks', async t => {
  const log = await TestLog.ready(settings => {
    settings.connectors[0]!.longMessages = 'udh8'
  })
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([{ registered_delivery: NOTIFY | 1 }]))
  log.propose(home, claim(log))
  const items = [{ ref: refOf(index, 0), attempt: 1, smscIds: ['a', 'b', 'c'] }]
  log.propose(home, { kind: 'sentParts', connector: 1, epoch: log.connector.epoch, items })
  log.propose(home, notification('b', { text: '1' }))
  log.propose(home, notification('c', { text: '2' }))
  t.equal(log.state.receiptsQueued, 0)
  log.propose(home, notification('a', { text: '3' }))
  t.equal(log.state.receiptsQueued, 1)
  log.propose(home, receipt('a'))
  log.propose(home, notification('b', { text: '4' }))
  t.equal(log.state.receiptsQueued, 2)
  t.equal(log.markOf(index, 0), 'SENT')
})

void t.test('a block whose short id a notification will name stays for it', async t => {
  const { log, home, block } = await sentLog({ registered_delivery: NOTIFY | 2, short: true })
  log.propose(home, notification('s'))
  log.propose(home, receipt('s')) // not owed: on failure only
  t.equal(block.open, 1)
  log.propose(1, { kind: 'delivered', account: 1, epoch: 0, seqs: [0], expired: false })
  t.equal(block.open, 0)
})

void t.test('a replacement asks anew', async t => {
  const log = await TestLog.ready()
  const { index } = log.proposed(1, accept([{ registered_delivery: NOTIFY }, {}]))
  const block = log.state.blocks.get(index)!
  log.propose(1, replace(refOf(index, 0), { registered_delivery: 1 }))
  log.propose(1, replace(refOf(index, 1), { registered_delivery: NOTIFY }))
  t.same([block.notified(0), block.notified(1)], [false, true])
})

void t.test('before all nodes know the rule a notification is a receipt', async t => {
  const { log, home, index, block } = await sentLog({ registered_delivery: NOTIFY | 1 }, 12)
  t.equal(block.notified(0), false)
  log.propose(home, notification('s'))
  t.equal(log.state.receiptsQueued, 1, 'to whom receipts go')
  t.equal(block.notification(0), 0)
  log.propose(home, notification('s', { state: 5 }))
  t.equal(log.markOf(index, 0), 'DONE')
})
