/* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment, @typescript-eslint/no-unsafe-enum-assignment --
   the engine's classes and enums are plain records and numbers; ours have the same fields */

// rawnode first: the engine's modules import each other in a circle
import '@coaty/consensus.raft/ported/rawnode.js'
import { Message } from '@coaty/consensus.raft/ported/raftpb/raft.pb.js'

import { toConfState, toConfiguration } from './engine-conf.js'
import { MessageKind, type RaftMessage } from './messages.js'

/** The engine writes '' for no node. */
export function idOf(id: string): number | null {
  return id === '' ? null : Number(id)
}

export function toEngine(message: RaftMessage): Message {
  const engineMessage = new Message()
  engineMessage.type = message.type
  engineMessage.to = String(message.to)
  engineMessage.from = String(message.from)
  engineMessage.term = message.term
  engineMessage.logTerm = message.logTerm
  engineMessage.index = message.index
  engineMessage.commit = message.commit
  engineMessage.reject = message.reject
  engineMessage.rejectHint = message.rejectHint
  engineMessage.context = message.context === '' ? null : message.context
  engineMessage.entries = isRead(message.type)
    ? [{ term: 0, index: 0, type: 0, data: message.readContext }]
    : message.entries
  if (message.snapshot !== undefined) {
    const { metadata } = engineMessage.snapshot
    metadata.index = message.snapshot.index
    metadata.term = message.snapshot.term
    metadata.confState = toConfState(message.snapshot.membership.configuration)
  }
  return engineMessage
}

export function fromEngine(source: Message): RaftMessage {
  const read = isRead(source.type)
  const { metadata } = source.snapshot
  return {
    type: source.type,
    to: Number(source.to),
    from: Number(source.from),
    term: source.term,
    logTerm: source.logTerm,
    index: source.index,
    commit: source.commit,
    reject: source.reject,
    rejectHint: source.rejectHint,
    context: source.context === null ? '' : String(source.context),
    readContext: read ? String(source.entries[0]?.data) : '',
    entries: read ? [] : source.entries,
    snapshot:
      metadata.index === 0
        ? undefined
        : {
            index: metadata.index,
            term: metadata.term,
            membership: { configuration: toConfiguration(metadata.confState), members: [] },
          },
  }
}

function isRead(type: number): boolean {
  return type === MessageKind.MsgReadIndex || type === MessageKind.MsgReadIndexResp
}
