import type { Command, CommandResult, OutcomeItem, Replace } from '../commands.js'
import type { Ref } from '../ids.js'
import { accept, hashOf, type TestLog, type TestSubmit } from './log.js'

// Commands as tests of apply propose them.

/** Up to `count` messages of connector 1, by its home's epoch. */
export const claim = (log: TestLog, count = 100): Command => ({
  kind: 'claim',
  connector: 1,
  epoch: log.connector.epoch,
  count,
})

/** What became of messages of connector 1; sent where nothing else is said. */
export const outcomes = (
  log: TestLog,
  ...items: (Partial<OutcomeItem> & { ref: number })[]
): Command => ({
  kind: 'outcomes',
  connector: 1,
  epoch: log.connector.epoch,
  items: items.map(item => ({
    attempt: 1,
    result: 'sent',
    error: 0,
    smscId: '',
    retryAtMs: 0,
    ...item,
  })),
})

/** Other octets for a message of account 1, made of those at `base`, the message's own where none is named. */
export function replace(ref: Ref, submit: TestSubmit & { base?: Ref }): Replace {
  const { records, priority, connector } = accept([submit])
  const { base = ref } = submit
  return { kind: 'replace', ref, base, connector, priority, record: records }
}

/** A receipt from connector 1's SMSC. */
export const receipt = (smscId: string, state = 2, to = '491701234567'): Command => ({
  kind: 'inbound',
  connector: 1,
  epoch: 1,
  items: [
    {
      kind: 'receipt',
      smscId,
      state,
      error: 0,
      addressHash: hashOf(to),
      body: Buffer.from('deliver_sm body'),
    },
  ],
})

/** A session of account 1. */
export const bind = (id: string, node: number, bindType: 'trx' | 'tx' | 'rx' = 'trx'): Command => ({
  kind: 'bind',
  session: { id, account: 1, bindType, version: 0x34, node, remoteAddress: '::1', boundAtMs: 0 },
})

/** What apply made of deliver_sm, or why it refused. */
export const inboundOf = (result: CommandResult): unknown =>
  'inbound' in result ? result.inbound : result
