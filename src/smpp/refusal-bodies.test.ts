import t from 'tap'
import { COMMAND_IDS, responseId, type CommandName } from './command-ids.js'
import { COMMAND_STATUS } from './command-status.js'
import { refusalBody } from './refusal-bodies.js'

const bodyOf = (
  name: CommandName,
  status: number = COMMAND_STATUS.ESME_RSYSERR,
): string | undefined => refusalBody(responseId(COMMAND_IDS[name]), status)?.toString('hex')

void t.test('responses that say no have the body that the standard gives them', t => {
  for (const [name, hex] of [
    ['bind_transceiver', undefined],
    ['submit_sm', undefined],
    ['deliver_sm', '00'],
    ['data_sm', '00'],
    ['submit_multi', '0000'],
    ['query_sm', '00000700'], // no message_id, no final_date, UNKNOWN, no error
    ['cancel_sm', undefined],
    ['replace_sm', undefined],
    ['enquire_link', undefined],
  ] as const)
    t.equal(bodyOf(name), hex, name)
  t.equal(bodyOf('deliver_sm', 0), undefined, 'one that says yes has its own')
  t.end()
})
