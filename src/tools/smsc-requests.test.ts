import t from 'tap'
import { decodeBody, encodeBody } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import { MESSAGE_STATE } from '../smpp/constants.js'
import { fnv1a } from '../base/fnv.js'
import { SmscMemory } from './smsc-memory.js'
import { idNumber, idText } from './smsc-messages.js'
import { answerRequest, type Answer, type Asker } from './smsc-requests.js'

const NOW_MS = Date.UTC(2026, 10, 30, 12)
const keyOf = (address: string): number => fnv1a(Buffer.from(address, 'latin1'))

/** Of esme1, from 100: message 7 to 467 is delivered in ten seconds, 8 to 468 a second ago. */
function memory(): SmscMemory {
  const memory = new SmscMemory(16)
  memory.keep(7, 'esme1', 'DELIVERED', NOW_MS + 10_000, keyOf('100'), keyOf('467'))
  memory.keep(8, 'esme1', 'UNDELIVERABLE', NOW_MS - 1_000, keyOf('100'), keyOf('468'))
  return memory
}

const esme1: Asker = { systemId: 'esme1', nowMs: NOW_MS, idFormat: 'dec' }
const about = (message_id: string, source_addr = '100') => ({ message_id, source_addr })

const query = (of: SmscMemory, fields: ReturnType<typeof about>, asker = esme1): Answer =>
  answerRequest(of, COMMAND_IDS.query_sm, encodeBody('query_sm', fields), asker)
const cancel = (of: SmscMemory, fields: object, asker = esme1): string =>
  statusText(
    answerRequest(of, COMMAND_IDS.cancel_sm, encodeBody('cancel_sm', fields), asker).status,
  )
const replace = (of: SmscMemory, fields: ReturnType<typeof about>): string =>
  statusText(
    answerRequest(of, COMMAND_IDS.replace_sm, encodeBody('replace_sm', fields), esme1).status,
  )

void t.test('query_sm tells the state, and when it was final', async t => {
  const messages = memory()
  for (const { id, message_state, final_date } of [
    { id: '7', message_state: MESSAGE_STATE.ENROUTE, final_date: '' },
    { id: '8', message_state: MESSAGE_STATE.UNDELIVERABLE, final_date: '261130115959000+' },
  ]) {
    const { body } = query(messages, about(id))
    t.match(decodeBody('query_sm_resp', body!), {
      body: { message_id: id, message_state, final_date },
    })
  }
})

void t.test('only who submitted a message, and names its source, is told of it', async t => {
  const messages = memory()
  const statusOf = ({ status }: Answer): string => statusText(status)
  t.equal(statusOf(query(messages, about('9'))), 'ESME_RINVMSGID')
  t.equal(statusOf(query(messages, about('x'))), 'ESME_RINVMSGID')
  t.equal(statusOf(query(messages, about('7', '101'))), 'ESME_RINVSRCADR')
  const other = { ...esme1, systemId: 'esme2' }
  t.equal(statusOf(query(messages, about('7'), other)), 'ESME_RINVMSGID')
  t.equal(cancel(messages, about('7'), other), 'ESME_RINVMSGID')
})

void t.test('cancel_sm ends what is not over, once', async t => {
  const messages = memory()
  t.equal(cancel(messages, about('8')), 'ESME_RCANCELFAIL')
  t.equal(cancel(messages, about('7')), 'ESME_ROK')
  t.match(messages.find(7), { state: 'DELETED', finalAtMs: NOW_MS })
  t.equal(cancel(messages, about('7')), 'ESME_RCANCELFAIL')
})

void t.test('cancel_sm without an id is of all between two addresses', async t => {
  const messages = memory()
  messages.keep(9, 'esme1', 'DELIVERED', NOW_MS + 1, keyOf('100'), keyOf('467'))
  messages.keep(10, 'esme2', 'DELIVERED', NOW_MS + 1, keyOf('100'), keyOf('467'))
  const between = { source_addr: '100', destination_addr: '467' }
  t.equal(cancel(messages, { source_addr: '100' }), 'ESME_RINVDSTADR')
  t.equal(cancel(messages, { ...between, destination_addr: '468' }), 'ESME_RCANCELFAIL')
  t.equal(cancel(messages, between), 'ESME_ROK')
  t.same(
    [7, 9, 10].map(number => messages.find(number)?.state),
    ['DELETED', 'DELETED', 'DELIVERED'],
  )
  t.equal(cancel(messages, between), 'ESME_RCANCELFAIL')
})

void t.test('replace_sm is taken until the message is over', async t => {
  const messages = memory()
  t.equal(replace(messages, about('7')), 'ESME_ROK')
  t.equal(replace(messages, about('8')), 'ESME_RREPLACEFAIL')
  t.equal(replace(messages, about('7', '')), 'ESME_RINVSRCADR')
})

void t.test('what is no request about a message, or cannot be read, is refused', async t => {
  const status = (id: number, body: Buffer): string =>
    statusText(answerRequest(memory(), id, body, esme1).status)
  t.equal(status(COMMAND_IDS.broadcast_sm, Buffer.alloc(0)), 'ESME_RINVCMDID')
  t.equal(status(COMMAND_IDS.query_sm, Buffer.from('7')), 'ESME_RINVMSGID')
})

void t.test('the oldest are forgotten', async t => {
  const messages = memory()
  messages.keep(7 + 16, 'esme1', 'DELIVERED', NOW_MS, keyOf('100'), keyOf('467'))
  t.equal(messages.find(7), undefined)
  t.notOk(messages.cancel(7, NOW_MS))
  t.match(messages.find(8), { number: 8 })
})

void t.test('an id is read back in the form it was given in, and in no other', async t => {
  const number = 1_700_000_000_000_123
  for (const format of ['text', 'hex', 'dec'] as const)
    t.equal(idNumber(idText(number, format), format), number)
  for (const id of ['', 'sim-', 'sim-A', '0x10', '007', '1'.repeat(17)])
    for (const format of ['text', 'hex', 'dec'] as const)
      t.equal(idNumber(id, format), undefined, `${id} ${format}`)
})
