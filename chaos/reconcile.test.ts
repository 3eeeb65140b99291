import t from 'tap'
import { verdicts } from './checks.js'
import { longestGap, spread } from './gaps.js'
import { readJournal, reconcile } from './reconcile.js'
import { reportHtml } from './report-html.js'
import { sampleEvidence } from './testing/sample-evidence.js'

const JOURNAL = [
  'A\t0\tid0\t1.0\t5.0',
  'A\t1\tid1\t2.0\t6.0',
  'X\t2\tESME_RSYSERR\t3.0\t9.0',
  'D\t3\t4.0\t30.0',
  'D\t4\t4.0\t30.0',
  'A\t4\tid4\t4.0\t31.0',
  'R\tid0\tENROUTE\t7.0',
  'R\tid0\tDELIVRD\t8.0',
  'R\tid0\tDELIVRD\t9.0',
  'R\tid4\tDELIVRD\t40.0',
  '',
].join('\n')

void t.test('books are compared message by message', async t => {
  const book = readJournal(JOURNAL)
  t.same([...book.inDoubt], [3], 'a late answer settles a doubt')
  const seen = [2, 0, 1, 1, 1]
  const found = reconcile(new Map([['one', book]]), (_client, n) => seen[n] ?? 0)
  t.match(found, {
    acknowledged: 3,
    refused: { ESME_RSYSERR: 1 },
    unanswered: 1,
    reachedSmsc: 4,
    lost: 1,
    lostMessages: ['one:1 id1'],
    receiptsMissing: 1,
    missingReceipts: ['one:1 id1'],
    duplicatedUpstream: 1,
    duplicatedReceipts: 1,
    refusedButSent: 1,
    unansweredButSent: 1,
    repeatedIds: 0,
  })
})

void t.test('an SMSC that tells nothing: receipts show what was lost', async t => {
  const found = reconcile(new Map([['one', readJournal(JOURNAL)]]), undefined)
  t.match(found, { byReceipts: true, acknowledged: 3, lost: 1, lostMessages: ['one:1 id1'] })
  t.match(found, { duplicatedUpstream: 0, refusedButSent: 0 })
  const evidence = sampleEvidence({ books: found, duplicateBound: null })
  t.match(verdicts(evidence)[0], { ok: false, found: /1 without the receipt that alone shows it/ })
  t.notOk(verdicts(evidence).some(({ name }) => name.includes('twice upstream')))
  t.match(reportHtml(evidence), /not known: the SMSC does not tell/)
})

void t.test('one message_id for two messages is noticed', async t => {
  t.equal(readJournal('A\t0\tid0\t1\t5\nA\t1\tid0\t2\t6\n').repeatedIds, 1)
})

void t.test('the longest gap is the one that touches the fault', async t => {
  const times = [0, 400, 410, 420, 500, 510, 520]
  t.same(longestGap(times, 415, 530), { atMs: 420, ms: 80 }, 'not the one that was over before')
  t.same(longestGap(times, 515, 900), { atMs: 520, ms: 380 }, 'one that has not ended counts')
  t.equal(longestGap([], 0, 100), null)
  t.same(spread([5, 1, 9]), { count: 3, p50: 5, p95: 9, max: 9 })
})
