/** agree: nobody differs. tie: somebody differs, and no majority is against us. outvoted: a majority is. */
export type HashJudgement = 'agree' | 'tie' | 'outvoted'

/**
 * What the state hashes of one index say (DESIGN I7).
 *
 * @param own     this node's
 * @param others  of the other voters, as far as known
 * @param voters  how many there are, this node among them
 */
export function judgeHashes(own: string, others: readonly string[], voters: number): HashJudgement {
  const counts = new Map<string, number>([[own, 1]])
  for (const hash of others) counts.set(hash, (counts.get(hash) ?? 0) + 1)
  if (counts.size === 1) return 'agree'
  for (const [hash, count] of counts) if (hash !== own && 2 * count > voters) return 'outvoted'
  return 'tie'
}
