import { Session } from 'node:inspector/promises'
import type { CpuProfile } from '../profile.js'

/** Runs something in this process under V8's profiler. */
export async function profiled<T>(run: () => Promise<T>): Promise<[T, CpuProfile]> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US })
    await session.post('Profiler.start')
    const result = await run()
    const { profile } = await session.post('Profiler.stop')
    const { samples = [], timeDeltas = [] } = profile
    return [result, { ...profile, samples, timeDeltas }]
  } finally {
    session.disconnect()
  }
}

const SAMPLE_EVERY_US = 250
