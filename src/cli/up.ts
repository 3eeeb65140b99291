import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Clock, Timers } from '../base/clock.js'
import { Children, endLeftovers, type Child } from './children.js'
import { CommandFailed, EXIT } from './failure.js'
import type { Io } from './io.js'
import { pause } from './operate.js'
import { takenPorts } from './ports.js'
import { neededPorts, writeUpFiles, type UpLayout, type UpPorts } from './up-files.js'
import { changeLines, leaderOf, liveText, LiveBlock } from './up-view.js'
import { glimpse, type Glimpse } from './watch.js'

export interface UpOptions {
  /** Directory for files, logs and the nodes' data. */
  data: string
  /** Begin with empty nodes. */
  fresh: boolean
  ports: UpPorts
  /** What `./carillon` is: program and first arguments. */
  carillon: readonly string[]
  environment: NodeJS.ProcessEnv
}

export interface UpEffects {
  io: Io
  clock: Clock
  timers: Timers
  /** Resolves when the user wants it to end. */
  interrupted: Promise<string>
}

/**
 * `carillon up`: three nodes and an SMSC simulator on this machine, until interrupted. It restarts
 * nothing by itself: a drill wants to see what happens without.
 *
 * @returns the exit status
 */
export async function up(options: UpOptions, effects: UpEffects): Promise<number> {
  const { io } = effects
  const layout = await prepare(options, io)
  const view = new UpScreen(io)
  let stopping = false
  const children = new Children(layout.record, (child, how) => {
    if (!stopping) view.line(endedText(child, how, layout, effects.io))
  })
  const killAll = (): void => children.killAll()
  process.on('exit', killAll)
  try {
    startAll(children, layout, options)
    const ending = effects.interrupted.then(() => true)
    const allDied = await watch(children, layout, view, effects, ending)
    stopping = true
    if (allDied) return EXIT.negative
    view.line('stopping all')
    return EXIT.done
  } finally {
    stopping = true
    await children.stop(GRACE_MS, effects)
    process.removeListener('exit', killAll)
  }
}

/** Everything ends within 3 s of an interrupt; the rest of them is for killing and writing. */
const GRACE_MS = 2000
/** Eager while starting; later a look costs the nodes little beside their work. */
const LOOK_EVERY_MS = { starting: 250, ready: 1000 }

async function prepare(options: UpOptions, io: Io): Promise<UpLayout> {
  const layout = writeUpFiles(options.data, options.ports, false)
  const left = endLeftovers(layout.record)
  if ('owner' in left) {
    const remedy = 'end it with Ctrl-C, or give another directory with --data and other ports'
    throw new CommandFailed(
      EXIT.negative,
      `another ./carillon up (pid ${left.owner}) runs in ${layout.directory}: ${remedy}`,
    )
  }
  for (const name of left.ended) io.note(`ended ${name}, left over from an up that was killed`)
  const taken = await untilFree(options.ports, left.ended.length > 0)
  if (taken.length > 0) {
    const remedy = 'end what has it, or choose other ports (./carillon up --help)'
    throw new CommandFailed(EXIT.negative, `${taken.join('\n')}\n${remedy}`)
  }
  return options.fresh ? writeUpFiles(options.data, options.ports, true) : layout
}

/** What was just ended needs a moment to give its ports back. */
async function untilFree(ports: UpPorts, patient: boolean): Promise<string[]> {
  for (let tries = patient ? 20 : 1; ; tries--) {
    const taken = await takenPorts(neededPorts(ports))
    if (taken.length === 0 || tries <= 1) return taken
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

function startAll(children: Children, layout: UpLayout, options: UpOptions): void {
  const env = environmentOf(options.environment)
  const { smsc } = options.ports
  const listen = ['--port', String(smsc), '--admin', `127.0.0.1:${smsc + 1}`]
  const sim = [...options.carillon, 'smsc-sim', ...listen]
  children.start('SMSC simulator', sim, layout.smscLog, env)
  for (const { id, file, log } of layout.nodes) {
    children.start(`node ${id}`, [...options.carillon, 'node', '--config', file], log, env)
  }
}

/** Settings that differ from node to node cannot come from one environment. */
function environmentOf(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own =
    /^CARILLON_(NODE_ID|NODE_DATA_DIR|CLUSTER_LISTEN|CLUSTER_PEERS|SMPP_LISTEN|HTTP_LISTEN|GATEWAY)$/
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !own.test(name)))
}

/** Shows what happens until the user ends it (false), or until no node is left (true). */
async function watch(
  children: Children,
  layout: UpLayout,
  view: UpScreen,
  { io, clock, timers }: UpEffects,
  ending: Promise<boolean>,
): Promise<boolean> {
  const beganAtMs = clock.monotonicMs()
  let last: Glimpse[] = []
  let lastAtMs = beganAtMs
  let saidHow = false
  view.line(`starting three nodes and an SMSC simulator; files and logs in ${layout.directory}`)
  for (;;) {
    const looking = Promise.all(layout.nodes.map(({ id, url }) => glimpse(id, url)))
    const now = await Promise.race([looking, ending.then(() => undefined)])
    if (now === undefined) return false
    const atMs = clock.monotonicMs()
    for (const line of changeLines(now, last)) view.line(line)
    if (!saidHow && now.every(node => node.ready) && leaderOf(now) !== undefined) {
      saidHow = true
      view.line(readyText(layout, atMs - beganAtMs, io))
    }
    view.live(liveText(now, last, atMs - lastAtMs, io.paint))
    last = now
    lastAtMs = atMs
    if (!children.running().some(child => child.name.startsWith('node '))) return true
    const rest = pause(timers, saidHow ? LOOK_EVERY_MS.ready : LOOK_EVERY_MS.starting).then(
      () => false,
    )
    if (await Promise.race([rest, ending])) return false
  }
}

function readyText({ nodes }: UpLayout, ms: number, { paint }: Io): string {
  const ports = nodes.map(node => node.smppPort).join(', ')
  const url = nodes[0]?.url ?? ''
  const http = url === 'http://127.0.0.1:8081' ? '' : ` --http ${url}`
  return [
    paint.green(`ready after ${(ms / 1000).toFixed(1)} s`),
    `  SMPP   127.0.0.1, ports ${ports}: system_id esme1, password secret1`,
    `  HTTP   ${nodes.map(node => node.url).join(' ')}`,
    `  try    ./carillon send --to 491701234567 --text 'Hello'${http}`,
    `         ./carillon status${http}`,
    '         kill -9 a node, and see another one lead; Ctrl-C ends everything',
  ].join('\n')
}

function endedText(child: Child, how: string, layout: UpLayout, { paint }: Io): string {
  const node = layout.nodes.find(({ id }) => child.name === `node ${id}`)
  const log = node?.log ?? layout.smscLog
  const head = paint.red(`${child.name} (pid ${child.pid}) died: ${how}`)
  const lines = how.startsWith('exit') ? lastLines(log, 5).map(line => `    ${line}`) : []
  const again =
    node === undefined
      ? []
      : [`  its data is kept; start it again: ./carillon node --config ${relative('.', node.file)}`]
  return [head, `  log: ${relative('.', log)}`, ...lines, ...again].join('\n')
}

function lastLines(file: string, count: number): string[] {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count)
  } catch {
    return []
  }
}

/** Lines that stay, and on a terminal a live block below them. */
class UpScreen {
  private readonly io: Io
  private readonly block: LiveBlock | undefined

  constructor(io: Io) {
    this.io = io
    if (io.isTerminal) this.block = new LiveBlock(text => void process.stdout.write(text))
  }

  line(text: string): void {
    if (this.block === undefined) this.io.out(text)
    else for (const line of text.split('\n')) this.block.above(line)
  }

  live(text: string): void {
    this.block?.show(text)
  }
}
