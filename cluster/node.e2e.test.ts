import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import t from 'tap'

import {
  freeMembers,
  optionsOf,
  startNode,
  temporaryDirectory,
  turn,
  until,
} from './testing/e2e.js'
import { emptyDisk, type ListDisk } from './testing/list-machine.js'
import type { ClusterOptions } from './types.js'

void t.test(
  'three nodes over gRPC and LevelDB elect, replicate, read, and send a snapshot',
  async t => {
    const directory = temporaryDirectory(t)
    const members = await freeMembers([1, 2, 3])
    const disks = new Map<number, ListDisk>(members.map(({ id }) => [id, emptyDisk()]))
    const open = (id: number) =>
      startNode(optionsOf(id, members, directory), disks.get(id), {
        settings: { keepEntries: 20, keepBytes: 1e9 },
      })
    const nodes = await Promise.all([1, 2, 3].map(open))
    t.teardown(() => Promise.all(nodes.map(({ node }) => node.stop())))
    t.equal(new Set(nodes.map(({ node }) => node.clusterId)).size, 1, 'one cluster id')

    await until(() => nodes.every(({ group }) => group.status().leader !== null))
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

    const leader = nodes[0]!.group.status().leader
    const follower = nodes.find(({ id }) => id !== leader)!
    await follower.node.stop()
    const others = nodes.filter(({ id }) => id !== follower.id)
    const value = (i: number): string => `entry ${i} ${'.'.repeat(3000)}`
    for (let i = 0; i < 600; i++) {
      while (others[0]!.group.propose(Buffer.from(value(i))) !== 'sent') await turn()
      if (i % 50 === 0) await turn()
    }
    await until(() => others.every(({ machine }) => machine.entries.length >= 603))
    Object.assign(follower, await open(follower.id))
    await until(() => follower.machine.hash === others[0]!.machine.hash)
    t.ok(follower.group.status().firstIndex > 300, 'by a snapshot')
    const found = others[0]!.machine.entries.filter(({ text }) => text.startsWith('entry'))
    t.ok(found.every(({ index, text }) => follower.group.value(index)?.toString() === text))
    t.notOk(
      follower.machine.entries.some(({ text }) => text.startsWith('from')),
      'what was on disk is not applied again',
    )

    // one that is still installing its snapshot does not take over
    const { appliedIndex } = others[0]!.group.status()
    await until(() => follower.group.status().appliedIndex >= appliedIndex)
    const to = nodes.find(({ id }) => id !== others[0]!.group.status().leader)!.id
    await others[0]!.group.transferLeadership(to)
    await until(() => nodes.every(({ group }) => group.status().leader === to))
    await until(() =>
      nodes.every(({ group }) => group.status().members.every(({ alive }) => alive)),
    )
  },
)

void t.test('messages between nodes arrive at their handlers, and nowhere else', async t => {
  const directory = temporaryDirectory(t)
  const members = await freeMembers([1, 2])
  const [one, two] = await Promise.all(
    [1, 2].map(id => startNode(optionsOf(id, members, directory))),
  )
  t.teardown(() => Promise.all([one!.node.stop(), two!.node.stop()]))
  const heard: [number, string][] = []
  two!.node.messenger.onMessage(7, (from, body) => heard.push([from, body.toString()]))
  await until(() => one!.node.peer(2).state === 'connected')
  t.ok(one!.node.messenger.send(2, 8, Buffer.from('nobody listens')))
  t.ok(one!.node.messenger.send(2, 7, Buffer.from('hello')))
  t.notOk(one!.node.messenger.send(9, 7, Buffer.from('nobody there')))
  await until(() => heard.length > 0)
  t.same(heard, [[1, 'hello']])
  await two!.node.stop()
  await until(() => one!.node.peer(2).state === 'refused')
})

void t.test('with mTLS only the node that its certificate names is spoken with', async t => {
  const directory = temporaryDirectory(t)
  const members = await freeMembers([1, 2, 3])
  const ca = await generate([{ name: 'commonName', value: 'ca' }], {
    algorithm: 'sha256',
    keyType: 'ec',
    extensions: [{ name: 'basicConstraints', cA: true }],
  })
  writeFileSync(join(directory, 'ca.pem'), ca.cert)
  const certified = async (id: number, named: number): Promise<ClusterOptions> => {
    const leaf = await generate([{ name: 'commonName', value: `node ${named}` }], {
      algorithm: 'sha256',
      keyType: 'ec',
      ca: { key: ca.private, cert: ca.cert },
      extensions: [
        {
          name: 'subjectAltName',
          altNames: [{ type: 6, value: `carillon://node/${named}` }],
        },
      ],
    })
    const file = (name: string): string => join(directory, `${id}-${named}.${name}`)
    writeFileSync(file('pem'), leaf.cert)
    writeFileSync(file('key'), leaf.private)
    const tls = { cert: file('pem'), key: file('key'), ca: join(directory, 'ca.pem') }
    return { ...optionsOf(id, members, directory), tls }
  }
  const options = await Promise.all([1, 2, 3].map(id => certified(id, id)))
  const nodes = await Promise.all(options.map(each => startNode(each)))
  t.teardown(() => Promise.all(nodes.map(({ node }) => node.stop())))
  await until(() => nodes.every(({ group }) => group.status().leader !== null))
  const [one, , three] = nodes
  while (one!.group.propose(Buffer.from('over TLS')) !== 'sent') await turn()
  await until(() => nodes.every(({ machine }) => machine.entries.length > 0))

  await three!.node.stop()
  Object.assign(three!, await startNode(await certified(3, 2), three!.machine.disk))
  await until(() => one!.node.peer(3).state !== 'connected')
  while (one!.group.propose(Buffer.from('without the stranger')) !== 'sent') await turn()
  await until(() => one!.machine.entries.length >= 2)
  t.not(one!.node.peer(3).state, 'connected')
  t.equal(three!.group.status().leader, null, 'node 3 speaks to nobody as node 2')
  await three!.node.stop()
  Object.assign(three!, await startNode(options[2]!, three!.machine.disk))
  await until(() => three!.machine.hash === one!.machine.hash)
})
