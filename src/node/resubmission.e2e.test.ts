import type { PDU, Session } from 'smpp'
import t from 'tap'
import { lostAnswers } from './testing/lost-answers.js'

void t.test(
  'what a node that was killed had not answered is submitted again elsewhere, and reaches the SMSC once',
  t =>
    lostAnswers(t, {
      count: 40,
      submit,
      receiptsFor: id => [id],
      receiptOf: pdu => String(pdu['receipted_message_id']),
    }),
)

async function submit(session: Session, n: number): Promise<string> {
  const fields = { destination_addr: '491701234567', registered_delivery: 1 }
  const answer = await new Promise<PDU>(resolve =>
    session.submit_sm({ ...fields, short_message: `message ${n}` }, resolve),
  )
  if (answer.command_status !== 0) throw new Error(`refused: ${answer.command_status}`)
  return answer['message_id'] as string
}
