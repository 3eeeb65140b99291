import { join } from 'node:path'
import { freePorts } from '../../src/testing/free-ports.js'
import type { OwnProcess } from '../../src/testing/own-process.js'
import {
  missingPrograms,
  runClient,
  runningSystem,
  startProgram,
  versionOf,
  waitUntil,
} from './programs.js'
import type { RunningSystem, System } from './system.js'

const CLIENT = 'own HTTP/2 client'
/** What etcd did most with, of 256 and 1,024 puts in flight, 16, 32 and 64 transactions, 4 to 64 connections. */
const PUTS = { puts: 1, inFlight: 256, connections: 16 }
const TRANSACTIONS = { puts: 100, inFlight: 16, connections: 8 }

export const ETCD: System = {
  name: 'etcd',
  title: 'etcd, 3 nodes, fdatasync before the answer',
  workloads: [
    { name: 'puts', client: `${CLIENT}, ${PUTS.inFlight} puts in flight, to the leader` },
    {
      name: 'transactions',
      client: `${CLIENT}, ${TRANSACTIONS.inFlight} transactions of 100 puts in flight; counted are puts`,
    },
  ],
  missing: () => missingPrograms('etcd'),
  version: () => `etcd ${versionOf('etcd')}`,

  async start({ directory, time, octets }): Promise<RunningSystem> {
    const ports = await freePorts(6)
    const members = [1, 2, 3].map((id, i) => ({
      name: `n${id}`,
      client: ports[2 * i]!,
      peer: `http://127.0.0.1:${ports[2 * i + 1]!}`,
    }))
    const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',')
    const processes = members.map(({ name, client, peer }) => {
      const url = `http://127.0.0.1:${client}`
      const args = [
        ...['--name', name, '--data-dir', join(directory, name), '--logger', 'zap'],
        ...['--listen-client-urls', url, '--advertise-client-urls', url],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ...['--initial-cluster', cluster, '--log-level', 'error'],
      ]
      return startProgram('etcd', args, join(directory, `${name}.log`))
    })
    return runningSystem(processes, async () => {
      const port = await leadersPort(
        processes,
        members.map(({ client }) => client),
      )
      return async workload => {
        const shape = workload === 'puts' ? PUTS : TRANSACTIONS
        const load = { kind: 'etcd', port, octets, ...shape, ...time } as const
        const report = await runClient(load, join(directory, 'client.log'))
        return { ...report, dispatchedPerSecond: null }
      }
    })
  },
}

/** Calls to others are passed on to it. Each member has an HTTP gateway that says who leads. */
async function leadersPort(
  processes: readonly OwnProcess[],
  ports: readonly number[],
): Promise<number> {
  return waitUntil('etcd has a leader', processes, async () => {
    for (const port of ports) {
      const status = await statusOf(port)
      if (status?.leader !== undefined && status.leader === status.header.member_id) return port
    }
    return undefined
  })
}

interface Status {
  header: { member_id: string }
  leader?: string
}

async function statusOf(port: number): Promise<Status | undefined> {
  try {
    const url = `http://127.0.0.1:${port}/v3/maintenance/status`
    const answer = await fetch(url, { method: 'POST', body: '{}' })
    return answer.ok ? ((await answer.json()) as Status) : undefined
  } catch {
    return undefined
  }
}
