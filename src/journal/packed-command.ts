import { assert } from '../base/assert.js'
import { pack, unpack } from './pack.js'
import type { Command } from './commands.js'

type Rare = Exclude<
  Command,
  { kind: 'accept' | 'claim' | 'outcomes' | 'inbound' | 'delivered' | 'replace' }
>
type Check = (value: unknown) => boolean

const count: Check = value => Number.isSafeInteger(value) && (value as number) >= 0
const text: Check = value => typeof value === 'string'
const flag: Check = value => typeof value === 'boolean'
const refs: Check = value => Array.isArray(value) && value.every(count)
const object: Check = value => typeof value === 'object' && value !== null && !Array.isArray(value)
const countOrNone: Check = value => value === undefined || count(value)
const countOrNull: Check = value => value === null || count(value)
const listOf =
  (fields: Record<string, Check>): Check =>
  value =>
    Array.isArray(value) &&
    value.every(item => object(item) && fits(item as Record<string, unknown>, fields))
const oneOf =
  (...values: unknown[]): Check =>
  value =>
    values.includes(value)

/** Ids of up to 65 octets of up to 255 parts. */
const sentParts: Check = value =>
  Array.isArray(value) &&
  value.every(
    (item: unknown) =>
      object(item) &&
      fits(item as Record<string, unknown>, { ref: count, attempt: count, smscIds }),
  )
const smscIds: Check = value =>
  Array.isArray(value) &&
  value.length <= 255 &&
  value.every((id: unknown) => typeof id === 'string' && id.length <= 65)

/** The fields of the rare commands. Encode, decode and the check of bad octets read the same rows. */
const FIELDS: { [K in Rare['kind']]: Record<string, Check> } = {
  requeue: { connector: count, epoch: count, refs },
  due: { connector: count, epoch: count, upTo: count, count },
  expire: { connector: count, epoch: count, refs, buckets: refs, seen: countOrNone },
  bind: { session: object },
  endSession: { session: text },
  registerBoot: { node: count, boot: count, rules: countOrNone },
  nodeDown: { node: count, boot: count },
  relieve: { node: count, boot: count },
  draining: { node: count, boot: count, draining: flag },
  void: { number: count },
  settings: { expected: countOrNull, settings: object, author: text, atMs: count },
  bootstrap: { generation: count },
  retire: { upTo: count, unawaited: refs },
  releaseHome: { connector: count, epoch: count },
  linkState: { connector: count, epoch: count, binds: count },
  resolveDoubt: { connector: count, refs, action: oneOf('resend', 'drop') },
  forgetOrphans: { connector: count, epoch: count, count },
  written: { account: count, refs },
  sentParts: { connector: count, epoch: count, items: sentParts },
  forgetLost: { account: count, refs },
  giveUpParts: { account: count, epoch: count, refs },
  cancel: { account: count, refs },
  ban: {
    bans: listOf({
      account: count,
      address: text,
      sinceMs: count,
      untilMs: count,
      failures: count,
    }),
  },
  liftBans: { bans: listOf({ account: count, address: text }) },
}

const SESSION_FIELDS: Record<string, Check> = {
  id: text,
  account: count,
  bindType: oneOf('trx', 'tx', 'rx'),
  version: count,
  node: count,
  remoteAddress: text,
  boundAtMs: count,
}

/**
 * Throws where the command could not be read again: apply would leave it out on every node, its proposer would wait for
 * an answer for ever, and after 1,024 more proposals of that node for all of them.
 */
export function packCommand(command: Rare): Buffer {
  const payload = pack(command)
  assert(unpackCommand(payload) !== undefined, `a ${command.kind} command cannot be read again`)
  return payload
}

/** The command, or undefined where the octets are none; may throw msgpackr's errors on bad octets. */
export function unpackCommand(payload: Buffer): Rare | undefined {
  const value: unknown = unpack(payload)
  if (!object(value)) return undefined
  const record = value as Record<string, unknown>
  const kind = record['kind']
  if (typeof kind !== 'string' || !Object.hasOwn(FIELDS, kind)) return undefined
  if (!fits(record, FIELDS[kind as Rare['kind']])) return undefined
  if (kind === 'bind' && !fits(record['session'] as Record<string, unknown>, SESSION_FIELDS))
    return undefined
  return record as unknown as Rare
}

function fits(record: Record<string, unknown>, fields: Record<string, Check>): boolean {
  return Object.entries(fields).every(([name, check]) => check(record[name]))
}
