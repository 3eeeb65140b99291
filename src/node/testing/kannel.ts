import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../testing/free-ports.js'
import { kannelConfiguration } from '../../testing/kannel-configuration.js'
import { waitFor } from '../../testing/wait-for.js'
import { Program } from './programs.js'

/** What Kannel told our HTTP server: a receipt of one of its messages, or an MO. */
export type KannelNews =
  | { kind: 'receipt'; id: string; type: number }
  | { kind: 'mo'; from: string; to: string; text: string }

/** Kannel as an ESME: bearerbox, bound to us as a transceiver, and smsbox, which takes and gives messages over HTTP. */
export class Kannel {
  readonly news: KannelNews[] = []
  private readonly directory = mkdtempSync(join(tmpdir(), 'carillon-kannel-'))
  private readonly http: Server
  private readonly programs: Program[] = []
  private sendPort = 0

  constructor() {
    this.http = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
      const said = (name: string): string => searchParams.get(name) ?? ''
      if (pathname === '/receipt')
        this.news.push({ kind: 'receipt', id: said('id'), type: Number(said('type')) })
      else this.news.push({ kind: 'mo', from: said('from'), to: said('to'), text: said('text') })
      response.end()
    })
  }

  /** @param smppPort  of the node; resolves when it is bound */
  async start(smppPort: number): Promise<void> {
    this.http.listen(0, '127.0.0.1')
    await once(this.http, 'listening')
    const [admin, boxes, send] = (await freePorts(3)) as [number, number, number]
    this.sendPort = send
    const file = join(this.directory, 'kannel.conf')
    writeFileSync(file, this.configuration({ smppPort, admin, boxes, send }))
    this.programs.push(new Program('bearerbox', [file]))
    await waitFor('bearerbox is bound', () => this.status(admin), { timeoutMs: 60_000 })
    this.programs.push(new Program('smsbox', [file]))
    await waitFor('smsbox listens', () => this.answers(`http://127.0.0.1:${send}/`))
  }

  /** Sends a message; `coding` 0 is GSM 03.38, 2 is UCS-2. Its receipt names `id`. */
  async send(message: {
    id: string
    from: string
    to: string
    text: string
    coding: 0 | 2
  }): Promise<string> {
    const { id, from, to, text, coding } = message
    const receipts = `http://127.0.0.1:${this.httpPort}/receipt?id=${id}&type=%d`
    const query = new URLSearchParams({
      username: 'tester',
      password: 'tester',
      from,
      to,
      text,
      coding: String(coding),
      charset: 'UTF-8',
      'dlr-mask': '3',
      'dlr-url': receipts,
    })
    const answer = await fetch(
      `http://127.0.0.1:${this.sendPort}/cgi-bin/sendsms?${query.toString()}`,
    )
    return answer.text()
  }

  async stop(): Promise<void> {
    for (const program of [...this.programs].reverse()) await program.stop()
    this.http.closeAllConnections()
    this.http.close()
    rmSync(this.directory, { recursive: true, force: true })
  }

  private get httpPort(): number {
    return (this.http.address() as AddressInfo).port
  }

  private async status(admin: number): Promise<boolean> {
    try {
      const answer = await fetch(`http://127.0.0.1:${admin}/status.txt?password=admin`)
      return /carillon.*online/.test(await answer.text())
    } catch {
      return false
    }
  }

  private async answers(url: string): Promise<boolean> {
    try {
      return (await fetch(url)).status > 0
    } catch {
      return false
    }
  }

  private configuration(ports: {
    smppPort: number
    admin: number
    boxes: number
    send: number
  }): string {
    const { smppPort, admin, boxes, send } = ports
    return kannelConfiguration({
      admin,
      boxes,
      send,
      smsc: {
        id: 'carillon',
        port: smppPort,
        username: 'esme1',
        password: 'secret1',
        more: 'source-addr-ton = 1\nsource-addr-npi = 1\ndest-addr-ton = 1\ndest-addr-npi = 1',
      },
      user: 'max-messages = 10\nconcatenation = true',
      service: `get-url = "http://127.0.0.1:${this.httpPort}/mo?from=%p&to=%P&text=%b"`,
    })
  }
}
