import t from 'tap'
import { HANDS_OVER, verdicts } from './checks.js'
import type { Check } from './evidence.js'
import { sampleEvidence } from './testing/sample-evidence.js'

/** What is said of gaps, where each fault has one of so many ms before its recovery. */
function planned(what: string, gapsMs: readonly (number | undefined)[]): Check | undefined {
  const [fault] = sampleEvidence().faults
  const faults = gapsMs.map(gapMs => ({
    ...fault!,
    what,
    surviving: {
      sessions: 6,
      gapMs: 400, // a node that starts
      ...(gapMs === undefined ? {} : { untilRecoveryMs: gapMs }),
    },
  }))
  return verdicts(sampleEvidence({ faults })).find(({ name }) => name.includes('planned'))
}

void t.test('what is planned is noticed for less than 50 ms, until a node starts again', t => {
  for (const what of ['SIGTERM for node 2', `node 2 ${HANDS_OVER}`]) {
    t.equal(planned(what, [20, 49, 30])?.ok, true)
    t.equal(planned(what, [20, 50, 30])?.ok, false)
    t.match(planned(what, [20, 50, 30])?.found, 'median 30 ms, longest 50 ms of 3')
  }
  t.end()
})

void t.test('nothing is said of what was not planned, nor of runs before it was measured', t => {
  t.equal(planned('SIGKILL for node 2, the leader', [20]), undefined)
  t.equal(planned('SIGTERM for node 2', [undefined]), undefined)
  t.end()
})

void t.test('connectors of a leader that was hit are served again within a second', t => {
  const found = (...ms: (number | null)[]): Check | undefined => {
    const [fault] = sampleEvidence().faults
    const faults = ms.map(upstreamMs => ({
      ...fault!,
      newLeaderMs: 600,
      homeHit: upstreamMs !== null,
      upstreamMs,
    }))
    const checks = verdicts(sampleEvidence({ faults }))
    return checks.find(({ name }) => name.startsWith('connectors'))
  }
  t.equal(found(800, 999, null)?.ok, true)
  t.equal(found(800, 1000, null)?.ok, false)
  t.match(found(800, 1000, null)?.found, 'median 800 ms, p95 1000 ms of 2')
  t.equal(found(null), undefined, 'nothing is said where the leader had no connector')
  t.end()
})
