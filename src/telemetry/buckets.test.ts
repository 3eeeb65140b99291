import * as prom from 'prom-client'
import t from 'tap'
import { Buckets, histogramText } from './buckets.js'

const VALUES = [0, 0.0005, 0.001, 0.0011, 0.02, 0.3, 10, 11, 1000]

void t.test('a histogram reads as one of prom-client does', async t => {
  const ours = new Buckets({ connector: 'a "b"\\c\nd' })
  const theirs = new prom.Histogram({
    name: 'x_seconds',
    help: 'how long',
    labelNames: ['connector'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    registers: [],
  })
  const registry = new prom.Registry()
  registry.registerMetric(theirs)
  for (const value of VALUES) {
    ours.observe(value)
    theirs.labels('a "b"\\c\nd').observe(value)
  }
  t.equal(histogramText('x_seconds', 'how long', [ours]), await registry.metrics())
})

void t.test('a histogram without labels has no empty braces', async t => {
  const plain = new Buckets({})
  plain.observe(0.004)
  const lines = histogramText('x_seconds', 'how long', [plain]).split('\n')
  t.match(lines, ['# HELP x_seconds how long', '# TYPE x_seconds histogram'])
  t.ok(lines.includes('x_seconds_bucket{le="0.005"} 1'))
  t.ok(lines.includes('x_seconds_count 1'))
  t.ok(lines.includes('x_seconds_sum 0.004'))
})
