import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePorts } from '../../src/testing/free-ports.js'
import { OwnProcess } from '../../src/testing/own-process.js'
import {
  missingPrograms,
  pathOf,
  runningSystem,
  startProgram,
  versionOf,
  waitUntil,
} from './programs.js'
import { parseBenchmark, type RedisFigures } from './redis-output.js'
import type { RunningSystem, Sample, System } from './system.js'

const CONNECTIONS = 64
const PIPELINE = 16
const IN_FLIGHT = CONNECTIONS * PIPELINE

export const REDIS: System = {
  name: 'redis',
  title: 'Redis, one node, appendfsync always',
  workloads: [
    {
      name: 'set',
      client: `redis-benchmark, ${CONNECTIONS} connections × ${PIPELINE} SETs in flight`,
    },
  ],
  missing: () => missingPrograms('redis-server', 'redis-benchmark'),
  version: () => `redis-server ${versionOf('redis-server')}`,

  async start({ directory, time, octets }): Promise<RunningSystem> {
    const [port] = (await freePorts(1)) as [number]
    const settings = {
      port,
      bind: '127.0.0.1',
      dir: directory,
      save: '',
      appendonly: 'yes',
      appendfsync: 'always',
      'auto-aof-rewrite-percentage': 0,
    }
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
    const server = startProgram('redis-server', args, join(directory, 'redis.log'))
    const benchmark = async (wanted: number): Promise<Ran> => {
      // with fewer than all connections have in flight it would never end
      const count = Math.max(1, Math.round(wanted / IN_FLIGHT)) * IN_FLIGHT
      const shape = ['-c', String(CONNECTIONS), '-P', String(PIPELINE), '-r', '1000000000']
      const load = ['-p', String(port), '-t', 'set', '-d', String(octets), '-n', String(count)]
      return runBenchmark([...shape, ...load], join(directory, 'client.log'))
    }
    return runningSystem([server], async () => {
      // redis-benchmark itself would spin for ever where a connection is refused
      await waitUntil('Redis answers', [server], () => answersPing(port))
      return async (): Promise<Sample> => {
        const trial = await benchmark(5 * IN_FLIGHT)
        const seconds = (ms: number, { figures }: Ran): number => (figures.perSecond * ms) / 1000
        const warm = await benchmark(seconds(time.warmUpMs, trial))
        const { figures, fromMs, untilMs, cpuMs } = await benchmark(seconds(time.durationMs, warm))
        const { perSecond, meanMs, p50, p95, p99, max } = figures
        const count = Math.round((perSecond * (untilMs - fromMs)) / 1000)
        return {
          perSecond: Math.round(perSecond),
          latencyMs: { count, mean: meanMs, p50, p90: p95, p95, p99, p999: max, max },
          fromMs,
          untilMs,
          clientCores: Math.round((cpuMs * 100) / (untilMs - fromMs)) / 100,
          problems: [],
          dispatchedPerSecond: null,
        }
      }
    })
  },
}

async function answersPing(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write('PING\r\n')
    const [said] = (await once(socket, 'data')) as [Buffer]
    return said.toString('latin1').startsWith('+PONG')
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

interface Ran {
  figures: RedisFigures
  fromMs: number
  untilMs: number
  cpuMs: number
}

async function runBenchmark(args: readonly string[], logFile: string): Promise<Ran> {
  const lines: string[] = []
  const fromMs = Date.now()
  const process = new OwnProcess({
    name: 'redis-benchmark',
    script: pathOf('redis-benchmark')!,
    args: ['--csv', ...args],
    logFile,
    onLine: line => lines.push(line),
  })
  let cpuMs = 0
  const timer = setInterval(() => (cpuMs = Math.max(cpuMs, process.cpuMs)), 50)
  await process.ended
  clearInterval(timer)
  const figures = parseBenchmark(lines.join('\n'))
  if (figures === undefined) throw new Error(`redis-benchmark said nothing\n${process.logTail()}`)
  return { figures, fromMs, untilMs: Date.now(), cpuMs }
}
