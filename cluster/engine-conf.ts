import '@coaty/consensus.raft/ported/rawnode.js'
import { Changer } from '@coaty/consensus.raft/ported/confchange/confchange.js'
import type { Raft } from '@coaty/consensus.raft/ported/raft.js'
import {
  ConfChangeSingle,
  ConfChangeType,
  ConfChangeV2,
  ConfState,
} from '@coaty/consensus.raft/ported/raftpb/raft.pb.js'

import { decodeRecord, encodeRecord, type Configuration } from './log/records.js'
import type { Member, MemberChange } from './types.js'

/** A membership change as it lies in the log. No changes: leaves joint consensus. */
export interface ConfigurationChange {
  changes: { kind: MemberChange['kind'] | 'update'; id: number }[]
  /** Addresses of the members that are added or updated. */
  members: Member[]
}

export const encodeChange = (change: ConfigurationChange): Buffer => encodeRecord(change)

/** The engine's own leave-joint entries carry nothing. */
export function decodeChange(data: Buffer | null): ConfigurationChange {
  if (data === null || data.length === 0) return { changes: [], members: [] }
  return decodeRecord(data) as ConfigurationChange
}

const TYPES = {
  addVoter: ConfChangeType.ConfChangeAddNode,
  addLearner: ConfChangeType.ConfChangeAddLearnerNode,
  remove: ConfChangeType.ConfChangeRemoveNode,
  update: ConfChangeType.ConfChangeUpdateNode,
}

/** In the engine's form. Several changes go through joint consensus, which is left by itself. */
export function toEngineChange(change: ConfigurationChange): ConfChangeV2 {
  return new ConfChangeV2({
    changes: change.changes.map(
      ({ kind, id }) => new ConfChangeSingle({ type: TYPES[kind], nodeId: String(id) }),
    ),
  })
}

/**
 * Why this change cannot be applied to the engine's present configuration, or null. The engine
 * itself would install an empty configuration (guard 3). Every node decides alike: it depends on
 * the applied configuration only.
 */
export function whyInvalid(raft: Raft, change: ConfigurationChange): string | null {
  const changer = new Changer(raft.prs, raft.raftLog.lastIndex())
  const v2 = toEngineChange(change)
  const [autoLeave, joint] = v2.enterJoint()
  const [, , error] = v2.leaveJoint()
    ? changer.leaveJoint()
    : joint
      ? changer.enterJoint(autoLeave, ...v2.changes)
      : changer.simple(...v2.changes)
  return error === null ? null : error.message
}

export function toConfiguration(state: ConfState): Configuration {
  return {
    voters: state.voters.map(Number).sort(ascending),
    learners: state.learners.map(Number).sort(ascending),
    votersOutgoing: state.votersOutgoing.map(Number).sort(ascending),
    learnersNext: state.learnersNext.map(Number).sort(ascending),
    autoLeave: state.autoLeave,
  }
}

export function toConfState(configuration: Configuration): ConfState {
  return new ConfState({
    voters: configuration.voters.map(String),
    learners: configuration.learners.map(String),
    votersOutgoing: configuration.votersOutgoing.map(String),
    learnersNext: configuration.learnersNext.map(String),
    autoLeave: configuration.autoLeave,
  })
}

const ascending = (a: number, b: number): number => a - b
