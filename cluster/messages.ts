import type { EntryType, LogEntry, SnapshotMetadata } from './log/records.js'

/** Numbers as in etcd's raftpb.MessageType. */
export const MessageKind = {
  MsgProp: 2,
  MsgApp: 3,
  MsgAppResp: 4,
  MsgVote: 5,
  MsgVoteResp: 6,
  MsgSnap: 7,
  MsgHeartbeat: 8,
  MsgHeartbeatResp: 9,
  MsgTransferLeader: 13,
  MsgTimeoutNow: 14,
  MsgReadIndex: 15,
  MsgReadIndexResp: 16,
  MsgPreVote: 17,
  MsgPreVoteResp: 18,
} as const

/** One Raft message between two nodes. */
export interface RaftMessage {
  type: number
  to: number
  from: number
  term: number
  logTerm: number
  index: number
  commit: number
  reject: boolean
  rejectHint: number
  /** What a heartbeat carries back and forth; in a vote, why it is asked for. */
  context: string
  /** What a read is known by. */
  readContext: string
  entries: LogEntry[]
  snapshot: SnapshotMetadata | undefined
}

/** A message that says nothing but what is given. */
export function messageOf(
  fields: Pick<RaftMessage, 'type' | 'to' | 'from'> & Partial<RaftMessage>,
): RaftMessage {
  return {
    term: 0,
    logTerm: 0,
    index: 0,
    commit: 0,
    reject: false,
    rejectHint: 0,
    context: '',
    readContext: '',
    entries: [],
    snapshot: undefined,
    ...fields,
  }
}

/** What a peer sent and cannot be read. Costs the peer its connection. */
export class BadFrame extends Error {
  override readonly name = 'BadFrame'
}

/** What a record on a lane is; then follow the group and the body. See proto/raft/v1/peer.proto. */
export const RecordKind = { raft: 1, proposal: 2, message: 3, dropped: 4 } as const
/** kind u8 | group u16 BE */
export const RECORD_HEADER = 3

/** A record of its header and a copy of `body`. */
export function encodeRecordOf(kind: number, group: number, body: Buffer): Buffer {
  const record = Buffer.allocUnsafe(RECORD_HEADER + body.length)
  writeRecordHeader(record, kind, group)
  body.copy(record, RECORD_HEADER)
  return record
}

function writeRecordHeader(record: Buffer, kind: number, group: number): void {
  record[0] = kind
  record.writeUInt16BE(group, 1)
}

const HEADER = 37
const ENTRY_HEADER = 11
const RECEIVED = new Set<number>([3, 4, 5, 6, 8, 9, 13, 14, 15, 16, 17, 18])
/** Entries in one message that are believed; twice what the engine sends. */
const ENTRIES_MAX = 8192

/**
 * type u8 | flags u8 | from u32 | term u48 | logTerm u48 | index u48 | commit u48 | rejectHint u48
 * | context length u8 | context | entries u32 | per entry: type u8 | term u48 | length u32 | data.
 * Entries follow `index` without holes, so that their own indexes need not travel. A snapshot
 * message never goes this way: it has a call of its own.
 */
export function encodeMessage(group: number, message: RaftMessage): Buffer {
  const context = Buffer.from(message.readContext === '' ? message.context : message.readContext)
  let length = HEADER + 4 + context.length
  for (const entry of message.entries) length += ENTRY_HEADER + (entry.data?.length ?? 0)
  const record = Buffer.allocUnsafe(RECORD_HEADER + length)
  writeRecordHeader(record, RecordKind.raft, group)
  const out = record.subarray(RECORD_HEADER)
  out[0] = message.type
  out[1] = (message.reject ? 1 : 0) | (message.readContext === '' ? 0 : 2)
  out.writeUInt32BE(message.from, 2)
  out.writeUIntBE(message.term, 6, 6)
  out.writeUIntBE(message.logTerm, 12, 6)
  out.writeUIntBE(message.index, 18, 6)
  out.writeUIntBE(message.commit, 24, 6)
  out.writeUIntBE(message.rejectHint, 30, 6)
  out[36] = context.length
  let at = HEADER
  at += context.copy(out, at)
  at = out.writeUInt32BE(message.entries.length, at)
  for (const entry of message.entries) {
    out[at] = entry.type
    out.writeUIntBE(entry.term, at + 1, 6)
    out.writeUInt32BE(entry.data?.length ?? 0, at + 7)
    at += ENTRY_HEADER
    if (entry.data !== null) at += entry.data.copy(out, at)
  }
  return record
}

/** Reads a record of kind `raft`. The data of entries are views of it. Throws `BadFrame`. */
export function decodeMessage(record: Buffer, to: number): RaftMessage {
  const octets = record.subarray(RECORD_HEADER)
  if (octets.length < HEADER + 4) throw new BadFrame('a Raft message is too short')
  const type = octets[0]!
  if (!RECEIVED.has(type)) throw new BadFrame(`Raft message of type ${type}`)
  const flags = octets[1]!
  const index = octets.readUIntBE(18, 6)
  const contextEnd = HEADER + octets[36]!
  if (contextEnd + 4 > octets.length) throw new BadFrame('a Raft message is too short')
  const context = octets.toString('utf8', HEADER, contextEnd)
  const entries: LogEntry[] = []
  const count = octets.readUInt32BE(contextEnd)
  if (count > ENTRIES_MAX) throw new BadFrame(`${count} entries in a Raft message`)
  let at = contextEnd + 4
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_HEADER > octets.length) throw new BadFrame('entries end early')
    const length = octets.readUInt32BE(at + 7)
    const dataAt = at + ENTRY_HEADER
    if (octets[at]! > 2 || dataAt + length > octets.length) throw new BadFrame('entries end early')
    entries.push({
      type: octets[at] as EntryType,
      term: octets.readUIntBE(at + 1, 6),
      index: index + 1 + i,
      data: length === 0 ? null : octets.subarray(dataAt, dataAt + length),
    })
    at = dataAt + length
  }
  if (at !== octets.length) throw new BadFrame('octets behind a Raft message')
  const isRead = (flags & 2) !== 0
  return {
    type,
    to,
    from: octets.readUInt32BE(2),
    term: octets.readUIntBE(6, 6),
    logTerm: octets.readUIntBE(12, 6),
    index,
    commit: octets.readUIntBE(24, 6),
    reject: (flags & 1) !== 0,
    rejectHint: octets.readUIntBE(30, 6),
    context: isRead ? '' : context,
    readContext: isRead ? context : '',
    entries,
    snapshot: undefined,
  }
}
