import { segmentsOf } from '../text/split.js'
import type { DefaultAlphabet } from '../text/alphabets.js'
import { defaultAlphabetOf } from './settings.js'

/** Tokens that a submit_sm takes of the throughput of its account, or of the connector that it goes to; 1 or more. */
export function tokensOf(
  body: Buffer,
  peer: { throughputCounts?: string; defaultAlphabet?: DefaultAlphabet },
): number {
  return peer.throughputCounts === 'segments' ? segmentsOf(body, defaultAlphabetOf(peer)) : 1
}
