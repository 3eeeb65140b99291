import { closeSync, fdatasyncSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { Histogram } from '../src/tools/histogram.js'

/** On what was measured. */
export interface Machine {
  cpu: string
  cores: number
  memoryGiB: number
  system: string
  node: string
  /** Processes that wanted to run before we began; above 0.5 others were at work too. */
  load1: number
  /** A write of 16 KiB with fdatasync in the bench's directory, ms. */
  fdatasyncMs: { p50: number; p99: number }
  at: string
}

export function describeMachine(directory: string): Machine {
  const all = cpus()
  const { p50, p99 } = syncedWrites(directory)
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    load1: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    fdatasyncMs: { p50, p99 },
    at: new Date().toISOString(),
  }
}

export function machineText(machine: Machine): string {
  const { cpu, cores, memoryGiB, system, node, load1, fdatasyncMs } = machine
  return (
    `${cores} × ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}; load before: ${load1}; ` +
    `16 KiB + fdatasync p50 ${fdatasyncMs.p50} ms, p99 ${fdatasyncMs.p99} ms`
  )
}

function syncedWrites(directory: string): { p50: number; p99: number } {
  const path = join(directory, 'fdatasync.tmp')
  const file = openSync(path, 'w')
  const histogram = new Histogram()
  const octets = Buffer.alloc(16_384, 1)
  for (let i = 0; i < 200; i++) {
    const startMs = performance.now()
    writeSync(file, octets)
    fdatasyncSync(file)
    histogram.record(performance.now() - startMs)
  }
  closeSync(file)
  unlinkSync(path)
  return histogram.quantiles()
}
