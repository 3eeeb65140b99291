import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

import type { FromChild, ToChild } from './testing/child-node.js'
import { freeMembers, temporaryDirectory, until } from './testing/e2e.js'
import type { Member } from './types.js'

const PROGRAM = fileURLToPath(new URL('testing/child-node.js', import.meta.url))
const KILLS = 2

type Status = Extract<FromChild, { kind: 'status' }>

/** A node in a process of its own. */
class Child {
  readonly id: number
  readonly acknowledged = new Set<string>()
  ready = false
  status: Status | undefined
  texts: string[] | undefined
  lastAppliedAtMs = 0
  private readonly process: ChildProcess

  constructor(id: number, directory: string, members: Member[]) {
    this.id = id
    this.process = fork(PROGRAM, [String(id), directory, JSON.stringify(members)])
    this.process.on('message', (message: FromChild) => {
      if (message.kind === 'ready') this.ready = true
      else if (message.kind === 'status') this.status = message
      else if (message.kind === 'texts') this.texts = message.texts
      else {
        this.acknowledged.add(message.text)
        this.lastAppliedAtMs = performance.now()
      }
    })
  }

  say(message: ToChild): void {
    if (this.process.connected) this.process.send(message, () => undefined)
  }

  kill(): Promise<void> {
    return new Promise(resolve => {
      if (this.process.exitCode !== null || this.process.signalCode !== null) resolve()
      this.process.once('exit', () => resolve())
      this.process.kill('SIGKILL')
    })
  }
}

void t.test(
  'leaders killed with SIGKILL under load lose nothing that was acknowledged',
  async t => {
    const directory = temporaryDirectory(t)
    const members = await freeMembers([1, 2, 3])
    const start = (id: number): Child => new Child(id, directory, members)
    const children = [1, 2, 3].map(start)
    const acknowledged = new Set<string>()
    t.teardown(() => Promise.all(children.map(child => child.kill())))
    await until(() => children.every(child => child.ready))
    let number = 0
    const load = setInterval(() => {
      for (const child of children) {
        if (child.ready) child.say({ kind: 'propose', text: `${child.id}/${number++}` })
        child.say({ kind: 'status' })
      }
    }, 20)
    t.teardown(() => clearInterval(load))

    const gaps: number[] = []
    for (let i = 0; i < KILLS; i++) {
      await until(() => agreed(children) !== undefined && children.every(moves()))
      const leader = children[agreed(children)! - 1]!
      const others = children.filter(child => child !== leader)
      const killedAtMs = performance.now()
      await leader.kill()
      const mark = performance.now() + 20 // what was applied already is still being told
      await until(() => others.every(child => child.lastAppliedAtMs > mark))
      gaps.push(Math.max(...others.map(child => child.lastAppliedAtMs)) - killedAtMs)
      for (const text of leader.acknowledged) acknowledged.add(text)
      children[leader.id - 1] = start(leader.id)
      await until(() => children.every(child => child.ready))
    }
    t.comment(
      `from SIGKILL to both survivors applying again, ms: ${gaps.map(Math.round).join(' ')}`,
    )

    clearInterval(load)
    for (const child of children) for (const text of child.acknowledged) acknowledged.add(text)
    await Promise.all(children.map(child => child.kill())) // all at once, and up again
    for (const { id } of members) children[id - 1] = start(id)
    await until(() => children.every(child => child.ready))
    await until(() => {
      for (const child of children) child.say({ kind: 'status' })
      return (
        agreed(children) !== undefined &&
        new Set(children.map(({ status }) => status!.hash)).size === 1
      )
    })
    const texts = await logOf(children[0]!)
    t.ok(acknowledged.size > 100, `${acknowledged.size} of ${number} acknowledged`)
    t.same(
      [...acknowledged].filter(text => !texts.has(text)),
      [],
      'all of them are there',
    )
  },
)

/** The leader that all name, where they do. */
function agreed(children: readonly Child[]): number | undefined {
  const leaders = new Set(children.map(({ status }) => status?.leader ?? null))
  const [leader] = leaders
  return leaders.size === 1 && leader !== null ? leader : undefined
}

/** Whether a child has had something applied since now. */
function moves(): (child: Child) => boolean {
  const now = performance.now()
  return child => child.lastAppliedAtMs > now - 500
}

async function logOf(child: Child): Promise<Set<string>> {
  child.say({ kind: 'texts' })
  await until(() => child.texts !== undefined)
  return new Set(child.texts)
}
