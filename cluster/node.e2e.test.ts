import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'

import { openClusterNode } from './index.js'
import { consoleLogger } from './testing/console-logger.js'
import { ListMachine, RecordingListener, emptyDisk, type ListDisk } from './testing/list-machine.js'
import type { ClusterNode, Group, Member } from './types.js'

interface Running {
  id: number
  node: ClusterNode
  group: Group
  machine: ListMachine
  listener: RecordingListener
}

void t.test('three nodes over gRPC and LevelDB elect, replicate, read and restart', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'cluster-'))
  const members = await freeMembers([1, 2, 3])
  const disks = new Map<number, ListDisk>(members.map(({ id }) => [id, emptyDisk()]))
  const open = (id: number): Promise<Running> => start(id, members, dir, disks.get(id)!)
  const nodes = await Promise.all([1, 2, 3].map(open))
  t.teardown(async () => {
    await Promise.all(nodes.map(({ node }) => node.stop()))
    rmSync(dir, { recursive: true })
  })
  t.equal(new Set(nodes.map(({ node }) => node.clusterId)).size, 1, 'one cluster id')

  await until(() => nodes.every(({ group }) => group.status().leader !== null))
  const leader = nodes[0]!.group.status().leader!
  const begun = nodes.map(({ group, id }) => group.propose(Buffer.from(`from ${id}`)))
  t.same(begun, ['sent', 'sent', 'sent'])
  await until(() => nodes.every(({ machine }) => machine.entries.length === 3))
  t.equal(new Set(nodes.map(({ machine }) => machine.hash)).size, 1, 'the same on all')
  for (const { group, machine } of nodes) {
    const index = await group.readIndex()
    t.ok(index >= machine.entries.at(-1)!.index, 'a read sees what was committed')
    t.equal(group.value(machine.entries[0]!.index)?.toString(), machine.entries[0]!.text)
    t.ok(group.quorumProbeSentAtMs() > 0)
  }

  const follower = nodes.find(({ id }) => id !== leader)!
  await follower.node.stop()
  const others = nodes.filter(({ id }) => id !== follower.id)
  for (let i = 0; i < 100; i++) {
    while (others[0]!.group.propose(Buffer.from(`entry ${i}`)) !== 'sent') await turn()
  }
  await until(() => others.every(({ machine }) => machine.entries.length === 103))
  Object.assign(follower, await open(follower.id))
  await until(() => follower.machine.hash === others[0]!.machine.hash)
  t.equal(follower.machine.entries.length, 100, 'what was on disk is not applied again')

  const to = nodes.find(({ id }) => id !== others[0]!.group.status().leader)!.id
  await others[0]!.group.transferLeadership(to)
  await until(() => nodes.every(({ group }) => group.status().leader === to))
  t.ok(nodes.every(({ group }) => group.status().members.every(({ alive }) => alive)))
})

async function start(id: number, members: Member[], dir: string, disk: ListDisk): Promise<Running> {
  const node = await openClusterNode(
    {
      id,
      dataDir: join(dir, String(id)),
      listen: members.find(member => member.id === id)!.address,
      peers: members,
      heartbeatMs: 50,
      electionTimeoutMs: 500,
    },
    process.env['LOG'] === undefined ? {} : { logger: consoleLogger({ id }) },
  )
  const machine = new ListMachine(disk)
  const listener = new RecordingListener()
  const group = await node.openGroup(0, machine, listener)
  return { id, node, group, machine, listener }
}

async function freeMembers(ids: number[]): Promise<Member[]> {
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

const turn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

async function until(holds: () => boolean): Promise<void> {
  const endMs = Date.now() + 30_000
  while (!holds()) {
    if (Date.now() > endMs) throw new Error(`never: ${holds.toString()}`)
    await turn()
  }
}
