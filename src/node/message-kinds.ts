/** Kinds of unlogged messages between nodes (`Messenger` in cluster/types.ts); none is reused. */
export const MESSAGE_KIND = {
  /** Between front ends: which responses are written. */
  front: 1,
  /** State hashes, to be compared. */
  stateHash: 2,
  clockProbe: 3,
  clockAnswer: 4,
  /** Accounts' rates: what a node holds and wants; what the leader grants. */
  shareReport: 5,
  shareGrant: 6,
  /** Changes of the membership, passed on to the leader; and what it says. */
  memberRequest: 7,
  memberAnswer: 8,
  /** Of sessions, to the node that has them; and what it says. */
  sessionQuestion: 9,
  sessionAnswer: 10,
} as const
