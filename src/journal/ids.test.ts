import t from 'tap'
import { indexOf, messageId, offsetOf, parseMessageId, refOf } from './ids.js'

void t.test('a message_id is 20 hex digits that lead back to the place in the log', t => {
  for (const { generation, group, index, offset, expected } of [
    { generation: 0xbeef, group: 0, index: 1, offset: 0, expected: 'beef0000000000001000' },
    { generation: 0xffff, group: 1023, index: 2 ** 41 - 1, offset: 4095, expected: undefined },
    { generation: 7, group: 5, index: 2 ** 33 + 9, offset: 17, expected: undefined },
  ]) {
    const ref = refOf(index, offset)
    const id = messageId(generation, group, ref)
    if (expected !== undefined) t.equal(id, expected)
    t.match(id, /^[0-9a-f]{20}$/)
    t.same(parseMessageId(id), { generation, group, ref })
    t.equal(indexOf(ref), index)
    t.equal(offsetOf(ref), offset)
  }
  t.end()
})

void t.test('what is not a message_id of ours names no place', t => {
  for (const id of [
    '',
    '12',
    'beef00000000000010000',
    'beef000000000000100g',
    'ffffffffffffffffffff',
  ])
    t.equal(parseMessageId(id), undefined, id)
  t.end()
})
