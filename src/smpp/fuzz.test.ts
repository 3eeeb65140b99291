import t from 'tap'
import { CORPUS } from './testing/corpus.js'
import { fuzz, outcomeOf } from './testing/fuzz.js'
import { octetsOf } from './testing/vectors.js'

for (const { title, hex, outcome } of CORPUS) {
  void t.test(`${title}: ${outcome}`, t => {
    t.equal(outcomeOf(octetsOf(hex)), outcome)
    t.end()
  })
}

void t.test('damaged PDUs are read or refused with the standard’s error, and answered once', t => {
  const report = fuzz({ inputs: 20_000, seed: 1 })
  t.equal(report.inputs, 20_000)
  t.ok(report.read > 5_000 && report.framingErrors > 500 && report.unknown > 100, 'of every kind')
  t.ok(report.refused.size >= 12, 'with many a status')
  t.end()
})
