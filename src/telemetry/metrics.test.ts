import t from 'tap'
import { METRICS } from '../base/metrics.js'
import { PrometheusMetrics } from './metrics.js'

void t.test('numbers come out as Prometheus text', async t => {
  const metrics = new PrometheusMetrics()
  metrics.counter('submit_sm_total', { command_status: 'ESME_ROK' }).add()
  metrics.counter('submit_sm_total', { command_status: 'ESME_ROK' }).add(2)
  metrics.gauge('raft_term', { group: '0' }).set(7)
  metrics.histogram('submit_sm_latency_seconds', {}).observe(0.004)
  const text = await metrics.text()
  t.match(text, 'carillon_submit_sm_total{command_status="ESME_ROK"} 3')
  t.match(text, 'carillon_raft_term{group="0"} 7')
  t.match(text, 'carillon_submit_sm_latency_seconds_bucket{le="0.005"} 1')
  t.match(metrics.contentType, 'text/plain')
})

void t.test('reading twice counts nothing twice', async t => {
  const metrics = new PrometheusMetrics()
  const child = metrics.counter('binds_total', { command_status: 'ESME_ROK' })
  child.add(5)
  await metrics.text()
  child.add(1)
  t.match(await metrics.text(), 'carillon_binds_total{command_status="ESME_ROK"} 6')
})

void t.test('label values that peers invent are bounded', async t => {
  const metrics = new PrometheusMetrics()
  for (let i = 0; i < 10_100; i++) metrics.counter('protocol_errors_total', { kind: `k${i}` }).add()
  metrics.counter('protocol_errors_total', { kind: 'k5' }).add()
  const text = await metrics.text()
  t.equal(
    text.split('\n').filter(line => line.startsWith('carillon_protocol_errors')).length,
    10_001,
  )
  t.match(text, 'carillon_protocol_errors_total{kind="other"} 100')
  t.match(text, 'carillon_protocol_errors_total{kind="k5"} 2')
})

void t.test('counters end in _total and nothing else does', async t => {
  for (const [name, { kind }] of Object.entries(METRICS)) {
    t.equal(name.endsWith('_total'), kind === 'counter', name)
  }
})
