import t from 'tap'
import { BACKENDS, benchRaft } from './raft.js'

for (const backend of BACKENDS)
  void t.test(`three replicas over ${backend} apply what is proposed`, async t => {
    const load = { messagesPerEntry: 3, inFlight: 4, warmUpMs: 50, durationMs: 300 }
    const row = await benchRaft({ backend, ...load })
    t.ok(row.entriesPerSecond > 0 && row.latencyMs.p50 > 0 && row.cpuUsPerEntry > 0)
    t.ok(row.octetsPerEntry > 3 * 140)
    t.ok(Math.abs(row.messagesPerSecond - 3 * row.entriesPerSecond) <= 3)
  })
