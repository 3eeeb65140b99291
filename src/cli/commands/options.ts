import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Clock, Timers } from '../../base/clock.js'
import { durationMs } from '../../config/duration.js'
import { sizeOctets } from '../../config/size.js'
import type { Io } from '../io.js'
import { NodeClient } from '../node-client.js'
import type { OutputForm } from '../table.js'

/** What a command runs with. */
export interface CommandRun {
  io: Io
  waiting: { clock: Clock; timers: Timers }
  /** With this exit status; done, where it is not called. */
  ended(exitStatus: number): void
}

export interface HttpFlags {
  http: string
  apiKey?: string
  output: OutputForm
}

/** A command that asks a node. */
export function overHttp(command: Command): Command {
  const key = new Option('--api-key <key>', 'where the node asks for one').env('CARILLON_API_KEY')
  const output = new Option('--output <form>', 'how to answer').choices(['table', 'json'])
  return command
    .option('--http <url>', 'HTTP of the node to ask', url, 'http://127.0.0.1:8081')
    .addOption(key)
    .addOption(output.default('table'))
}

export const client = ({ http, apiKey }: HttpFlags): NodeClient => new NodeClient(http, apiKey)

/** For the end of a command's help. */
export function examples(...lines: string[]): string {
  const word = lines.length === 1 ? 'Example' : 'Examples'
  return `\n${word}:\n${lines.map(line => `  $ ./carillon ${line}`).join('\n')}`
}

/** Resolves with the signal that is to end the command. */
export function interruption(): Promise<string> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve(signal))
  })
}

export function port(text: string): number {
  const value = number(text)
  if (value < 1 || value > 65_535)
    throw new InvalidArgumentError('Expected a port from 1 to 65535.')
  return value
}

export function number(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}

function duration(text: string): number {
  const ms = durationMs(text)
  if (ms === undefined)
    throw new InvalidArgumentError('Expected a duration such as 500ms, 10s or 5m.')
  return ms
}

/** Its default is shown as it would be typed. */
export function durationOption(name: string, description: string, byDefault: string): Option {
  const option = new Option(`${name} <duration>`, description).argParser(duration)
  return option.default(duration(byDefault), byDefault)
}

export function octets(text: string): number {
  const value = sizeOctets(text)
  if (value === undefined) throw new InvalidArgumentError('Expected a size such as 500kB or 10MB.')
  return value
}

/** For an option that may be repeated. */
export const several = (text: string, before: string[]): string[] => [...before, url(text)]

function url(text: string): string {
  const whole = /^https?:\/\//.test(text) ? text : `http://${text}`
  if (!URL.canParse(whole))
    throw new InvalidArgumentError('Expected a URL such as http://127.0.0.1:8081.')
  return whole
}
