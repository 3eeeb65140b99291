import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../src/testing/free-ports.js'
import { ask } from './clients/nats-client.js'
import {
  missingPrograms,
  pathOf,
  runClient,
  runningSystem,
  startProgram,
  versionOf,
  waitUntil,
} from './programs.js'
import { Unable, type Room, type RunningSystem, type System } from './system.js'

/** What it did most with, of 256 to 4,096 in flight, 1 to 16 connections. */
const IN_FLIGHT = 1_024
const CONNECTIONS = 16
const SUBJECT = 'bench.messages'

export const NATS = jetStream({
  name: 'nats',
  title: 'NATS JetStream R3, file storage, answers before it syncs',
  setting: '',
})

export const NATS_SYNCED = jetStream({
  name: 'nats-synced',
  title: 'NATS JetStream R3, file storage, syncs before it answers',
  setting: 'sync_interval: always',
})

function jetStream(kind: { name: string; title: string; setting: string }): System {
  return {
    name: kind.name,
    title: kind.title,
    workloads: [
      {
        name: 'publish',
        client: `own text protocol client, ${IN_FLIGHT} messages without an acknowledgement`,
      },
    ],
    missing: () => missingPrograms('nats-server'),
    version: () => `nats-server ${versionOf('nats-server')}`,
    start: room => start(room, kind.setting),
  }
}

async function start({ directory, time, octets }: Room, setting: string): Promise<RunningSystem> {
  const ports = await freePorts(6)
  const servers = [1, 2, 3].map((id, i) => ({
    name: `n${id}`,
    port: ports[2 * i]!,
    route: ports[2 * i + 1]!,
  }))
  const routes = servers.map(({ route }) => `nats://127.0.0.1:${route}`).join(', ')
  const files: string[] = []
  for (const { name, port, route } of servers) {
    const file = join(directory, `${name}.conf`)
    await writeFile(
      file,
      `server_name: ${name}
listen: 127.0.0.1:${port}
jetstream { store_dir: ${JSON.stringify(join(directory, name))}, max_file: 20G, ${setting} }
cluster { name: bench, listen: 127.0.0.1:${route}, routes: [${routes}] }
`,
    )
    files.push(file)
  }
  const { status } = spawnSync(pathOf('nats-server')!, ['-t', '-c', files[0]!], { stdio: 'ignore' })
  if (status !== 0) throw new Unable(`this version does not know ${setting} (2.10 does)`)
  const processes = files.map((file, i) =>
    startProgram('nats-server', ['-c', file], join(directory, `${servers[i]!.name}.log`)),
  )
  return runningSystem(processes, async () => {
    const leader = await waitUntil('the stream is there', processes, () => makeStream(ports[0]!))
    const port = servers.find(({ name }) => name === leader)!.port
    return async () => {
      const shape = { connections: CONNECTIONS, inFlight: IN_FLIGHT, subject: SUBJECT }
      const load = { kind: 'nats', port, octets, ...shape, ...time } as const
      const report = await runClient(load, join(directory, 'client.log'))
      return { ...report, dispatchedPerSecond: null }
    }
  })
}

/** Makes the stream, or finds it made. Returns who leads it; undefined while the servers are not ready for that. */
async function makeStream(port: number): Promise<string | undefined> {
  const stream = {
    name: 'BENCH',
    subjects: [SUBJECT],
    storage: 'file',
    num_replicas: 3,
    retention: 'limits',
    discard: 'old',
  }
  try {
    await ask(port, '$JS.API.STREAM.CREATE.BENCH', JSON.stringify(stream))
    const answer = await ask(port, '$JS.API.STREAM.INFO.BENCH', '')
    const { cluster } = JSON.parse(answer) as {
      cluster?: { leader?: string; replicas?: { current: boolean }[] }
    }
    const current = cluster?.replicas?.filter(replica => replica.current).length
    return current === 2 ? cluster?.leader : undefined
  } catch {
    return undefined
  }
}
