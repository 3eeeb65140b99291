import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { freePorts } from '../../src/testing/free-ports.js'
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

/** Members on ports of this machine that stay free while none of them listens. */
export async function freeMembers(ids: readonly number[]): Promise<Member[]> {
  const ports = await freePorts(ids.length)
  return ids.map((id, i) => ({ id, address: `127.0.0.1:${ports[i]}` }))
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
