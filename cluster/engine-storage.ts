/* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment, @typescript-eslint/no-unsafe-enum-assignment --
   the engine's classes and enums are plain records and numbers; ours have the same fields */
import '@coaty/consensus.raft/ported/rawnode.js'
import { noLimit } from '@coaty/consensus.raft/ported/raft.js'
import {
  type ConfState,
  type Entry,
  HardState,
  Snapshot,
} from '@coaty/consensus.raft/ported/raftpb/raft.pb.js'
import { ErrCompacted, ErrUnavailable, type Storage } from '@coaty/consensus.raft/ported/storage.js'

import { assert } from '../src/base/assert.js'
import { toConfState } from './engine-conf.js'
import type { LogStore } from './log/log-store.js'

/**
 * The log store as the engine wants to read it: synchronously.
 *
 * @param applied      index that the state machine has on disk; the log's replay starts behind it
 * @param snapshotAt   index that a snapshot taken now would have at least
 */
export function engineStorage(log: LogStore, applied: number, snapshotAt: () => number): Storage {
  return {
    InitialState() {
      const { term, vote, commit } = log.hardState
      const membership = log.membershipAt(applied)
      return [
        new HardState({
          term,
          vote: vote === 0 ? '' : String(vote),
          // a commit that rode with no write may lag behind what was applied and synced
          commit: Math.max(commit, applied),
        }),
        toConfState(membership?.configuration ?? EMPTY_CONFIGURATION),
        null,
      ]
    },
    Entries(lo, hi, maxSize): [Entry[], Error | null] {
      if (lo < log.firstIndex) return [[], new ErrCompacted()]
      if (hi > log.lastIndex + 1) return [[], new ErrUnavailable()]
      // the engine passes eight times the size it means
      const bytesMax = maxSize / 8 >= noLimit ? Infinity : maxSize / 8
      return [log.entries(lo, hi, bytesMax), null]
    },
    Term(index) {
      if (index < log.firstIndex - 1) return [0, new ErrCompacted()]
      const term = log.term(index)
      return term === undefined ? [0, new ErrUnavailable()] : [term, null]
    },
    LastIndex: () => [log.lastIndex, null],
    FirstIndex: () => [log.firstIndex, null],
    Snapshot() {
      // only its place: the data, and the exact index, travel on a stream of their own
      const index = Math.max(snapshotAt(), log.firstIndex - 1)
      const term = log.term(index)
      assert(term !== undefined, `no term for a snapshot at ${index}`)
      const confState: ConfState = toConfState(log.membership?.configuration ?? EMPTY_CONFIGURATION)
      return [new Snapshot({ metadata: { index, term, confState } }), null]
    },
  }
}

const EMPTY_CONFIGURATION = {
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
}
