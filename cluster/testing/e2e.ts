import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openClusterNode, type ClusterDependencies } from '../index.js'
import type { ClusterNode, ClusterOptions, Group, Member } from '../types.js'
import { consoleLogger } from './console-logger.js'
import { ListMachine, RecordingListener, emptyDisk, type ListDisk } from './list-machine.js'

export interface RunningNode {
  id: number
  node: ClusterNode
  group: Group
  machine: ListMachine
  listener: RecordingListener
}

/** A directory that is gone after the test. */
export function temporaryDirectory(t: { teardown(fn: () => void): unknown }): string {
  const directory = mkdtempSync(join(tmpdir(), 'cluster-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Members on ports of this machine that were free a moment ago. */
export async function freeMembers(ids: readonly number[]): Promise<Member[]> {
  const servers = ids.map(() => createServer().listen(0, '127.0.0.1'))
  await Promise.all(
    servers.map(server => new Promise(resolve => server.once('listening', resolve))),
  )
  const members = servers.map((server, i) => ({
    id: ids[i]!,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
  }))
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return members
}

/** The options of a node with the default times. */
export function optionsOf(id: number, peers: Member[], directory: string): ClusterOptions {
  return {
    id,
    dataDir: join(directory, String(id)),
    listen: peers.find(peer => peer.id === id)!.address,
    peers,
    heartbeatMs: 50,
    electionTimeoutMs: 500,
  }
}

/** Opens a node and its group 0. With LOG set it says on stderr what it does. */
export async function startNode(
  options: ClusterOptions,
  disk: ListDisk = emptyDisk(),
  dependencies: Partial<ClusterDependencies> = {},
): Promise<RunningNode> {
  const { id } = options
  const logger = process.env['LOG'] === undefined ? {} : { logger: consoleLogger({ id }) }
  const node = await openClusterNode(options, { ...logger, ...dependencies })
  const machine = new ListMachine(disk)
  const listener = new RecordingListener()
  const group = await node.openGroup(0, machine, listener)
  return { id, node, group, machine, listener }
}

export const turn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

export async function until(holds: () => boolean, limitMs = 60_000): Promise<void> {
  const endMs = Date.now() + limitMs
  while (!holds()) {
    if (Date.now() > endMs) throw new Error(`never: ${holds.toString()}`)
    await turn()
  }
}
