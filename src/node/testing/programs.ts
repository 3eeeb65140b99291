import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { waitFor } from '../../testing/wait-for.js'

/** Programs of others that our tests talk to. `npm run interop` installs them. */
const PROGRAMS = {
  'Net::SMPP': ['perl', '-MNet::SMPP', '-MJSON::PP', '-e', '1'],
  Kannel: ['bearerbox', '--version'],
  libsmpp34: ['sh', '-c', 'command -v cc && echo "#include <libsmpp34/smpp34.h>" | cc -E -'],
} as const

/** Why a test that needs these is skipped; false where it is not. */
export function missing(...names: (keyof typeof PROGRAMS)[]): string | false {
  const absent = names.filter(name => {
    const [command, ...args] = PROGRAMS[name]
    return spawnSync(command, args, { stdio: 'ignore' }).status !== 0
  })
  return absent.length > 0 && `${absent.join(' and ')} not installed: npm run interop installs them`
}

/** A program that a test started; only its own process is signalled. */
export class Program {
  /** What it wrote, stdout and stderr. */
  readonly lines: string[] = []
  private readonly child: ChildProcess
  private readonly ended: Promise<void>

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    for (const output of [this.child.stdout!, this.child.stderr!])
      createInterface({ input: output }).on('line', line => this.lines.push(line))
    this.child.stdin!.on('error', () => undefined)
    this.ended = new Promise(resolve => {
      this.child.once('close', () => resolve())
      this.child.once('error', () => resolve())
    })
  }

  write(line: string): void {
    this.child.stdin!.write(`${line}\n`)
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM')
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5_000)
    await this.ended
    clearTimeout(timer)
  }
}

/** What the ESME of libsmpp34 heard. */
export interface Unpacked {
  /** The command_id, eight hexadecimal digits. */
  event: string
  status: number
  /** Whether the library takes it for a PDU of that kind, and why not. */
  unpacked: boolean
  why?: string
  id?: string
  state?: number
  text?: string
  tlvs?: number[]
  /** Of a submit_multi_resp: address and error_status_code. */
  refused?: [string, number][]
}

/** An ESME by libsmpp34, in C: scripts/interop/libsmpp34.c, which says what it can be told. */
export class LibSmpp34 {
  private readonly program: Program

  /** @param directory  where it is compiled */
  constructor(port: number, directory: string) {
    const source = fileURLToPath(
      new URL('../../../../scripts/interop/libsmpp34.c', import.meta.url),
    )
    const binary = join(directory, 'libsmpp34')
    const cc = spawnSync('cc', ['-Wall', '-o', binary, source, '-lsmpp34'], { encoding: 'utf8' })
    if (cc.status !== 0) throw new Error(`cannot be compiled: ${cc.stderr}`)
    this.program = new Program(binary, [String(port)])
  }

  tell(line: string): void {
    this.program.write(line)
  }

  /** All of a command_id, or all. */
  heard(event?: string): Unpacked[] {
    return this.program.lines
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as Unpacked)
      .filter(one => event === undefined || one.event === event)
  }

  stop(): Promise<void> {
    return this.program.stop()
  }
}

/** A message as one end wrote it or the other heard it. */
export interface Said {
  source_addr: string
  destination_addr: string
  esm_class: number
  data_coding: number
  /** Hexadecimal. */
  message: string
}

interface Heard extends Said {
  event: string
  id: string
  receipted: string
  status: number
}

/** One end of an SMPP session by Net::SMPP of Perl: scripts/interop/net-smpp.pl. */
export class NetSmpp {
  private readonly program: Program

  constructor(role: 'smsc' | 'esme', port: number) {
    // from build/src/node/testing to the checkout
    const script = fileURLToPath(
      new URL('../../../../scripts/interop/net-smpp.pl', import.meta.url),
    )
    this.program = new Program('perl', [script, role, String(port)])
  }

  /** When it listens, or is bound. */
  async ready(): Promise<this> {
    await waitFor('Net::SMPP is ready', () => this.heard('ready').length > 0)
    return this
  }

  /** @param payload  the message goes as message_payload */
  send(
    { source_addr, destination_addr, esm_class, data_coding, message }: Said,
    payload = false,
  ): void {
    const text = payload ? `- message_payload=${message}` : message
    this.program.write(`${source_addr} ${destination_addr} ${esm_class} ${data_coding} ${text}`)
  }

  heard(event: string): Heard[] {
    return this.program.lines
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as Heard)
      .filter(one => one.event === event)
  }

  stop(): Promise<void> {
    return this.program.stop()
  }
}
