import type { PDU, Session } from 'smpp'
import t from 'tap'
import { lostAnswers } from './testing/lost-answers.js'

const STAFF = ['4917001', '4917002', '4917003']

void t.test(
  'submit_multis that a node that was killed had not answered are submitted again elsewhere: each destination gets one message',
  t =>
    lostAnswers(t, {
      count: 10,
      gateway: { distributionLists: [{ name: 'staff', account: 'esme1', members: STAFF }] },
      submit,
      receiptsFor: (id, n) => destinations(n).map(to => `${id} of ${to}`),
      receiptOf: pdu => `${String(pdu['receipted_message_id'])} of ${String(pdu['source_addr'])}`,
    }),
)

/** Of the n-th submit_multi: one by its number, three by the name of their list. */
const destinations = (n: number): string[] => [`49152000${n}`, ...STAFF]

/** Its id. Rejects where any destination is refused. */
async function submit(session: Session, n: number): Promise<string> {
  const [destination_addr] = destinations(n)
  const answer = await new Promise<PDU>(resolve =>
    session.submit_multi(
      {
        source_addr: '1000',
        dest_address: [
          { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr },
          { dl_name: 'staff' },
        ],
        registered_delivery: 1,
        short_message: `message ${n}`,
      },
      resolve,
    ),
  )
  const refused = answer['unsuccess_sme'] as unknown[] | undefined
  if (answer.command_status !== 0 || (refused ?? []).length > 0)
    throw new Error(`refused: ${answer.command_status} ${JSON.stringify(refused)}`)
  return answer['message_id'] as string
}
