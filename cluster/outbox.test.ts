import t from 'tap'
import type { Engine } from './engine.js'
import { decodeMessage, MessageKind, messageOf, type RaftMessage } from './messages.js'
import { merged, Outbox } from './outbox.js'
import type { Transport } from './transport/transport.js'

const { MsgApp: app, MsgAppResp: answer } = MessageKind

const make = (fields: Partial<RaftMessage>): RaftMessage =>
  messageOf({ type: app, to: 2, from: 1, term: 1, logTerm: 1, ...fields })

void t.test('messages that say nothing new are merged into the one before', t => {
  const entries = [{ index: 6, term: 1, type: 0 as const, data: Buffer.from('x') }]
  const found = merged([
    make({ to: 2, index: 5, commit: 4, entries }),
    make({ to: 3, index: 5, commit: 4 }),
    make({ to: 2, index: 6, commit: 6 }),
    make({ type: answer, to: 2, index: 7 }),
    make({ type: answer, to: 2, index: 9 }),
    make({ type: answer, to: 2, index: 9, reject: true }),
    make({ type: answer, to: 2, index: 9 }),
  ])
  t.same(
    found.map(({ type, to, index, commit, reject }) => [
      type,
      to,
      index,
      type === app && commit,
      reject,
    ]),
    [
      [app, 2, 5, 6, false],
      [app, 3, 5, 4, false],
      [answer, 2, 9, false, false],
      [answer, 2, 9, false, true],
      [answer, 2, 9, false, false],
    ],
  )
  t.end()
})

void t.test('an acknowledgement is not repeated at once, and is after a while', t => {
  let nowMs = 1000
  const sent: RaftMessage[] = []
  const transport = {
    send: (_to: number, _lane: string, record: Buffer) => {
      sent.push(decodeMessage(record, 0))
      return 'sent'
    },
  } as unknown as Transport
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs }
  const outbox = new Outbox(0, undefined as unknown as Engine, transport, clock, () => undefined)
  const acknowledge = (fields: Partial<RaftMessage>): boolean => {
    const before = sent.length
    outbox.send([make({ type: answer, ...fields })])
    return sent.length > before
  }

  t.ok(acknowledge({ index: 7 }))
  t.notOk(acknowledge({ index: 7 }), 'for an append that only told of a commit')
  t.ok(acknowledge({ index: 8 }), 'something new')
  t.ok(acknowledge({ index: 8, term: 2 }), 'to the leader of another term')
  t.ok(acknowledge({ index: 8, term: 2, to: 3 }), 'to another leader')
  t.ok(acknowledge({ index: 8, term: 2, to: 3, reject: true }), 'a refusal')
  t.ok(acknowledge({ index: 8, term: 2, to: 3, reject: true }), 'a refusal, each time')
  t.ok(acknowledge({ index: 8, term: 2, to: 3 }), 'after a refusal')
  nowMs += 19
  t.notOk(acknowledge({ index: 8, term: 2, to: 3 }))
  nowMs += 1
  t.ok(acknowledge({ index: 8, term: 2, to: 3 }), 'the leader may have lost the first')
  t.end()
})
