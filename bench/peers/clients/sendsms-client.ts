import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { endOf, type Drive } from './drive.js'
import { HttpReader } from './http1.js'
import type { Meter } from './meter.js'

export interface SendsmsLoad {
  kind: 'sendsms'
  port: number
  /** Each has one request without an answer. */
  connections: number
  /** Counts receipts, which come as requests of Kannel to us; else the answers to our requests. */
  receipts: boolean
  /** Messages that may wait for their receipts. */
  awaitedMax: number
  octets: number
}

/** Messages to smsbox of Kannel, over connections that are kept. */
export const driveSendsms: Drive<SendsmsLoad> = async (load, meter) => {
  const run = new Run(load, meter)
  const server = load.receipts ? await receiptServer(run) : undefined
  const sockets = Array.from({ length: load.connections }, () => run.connect())
  const problems = await endOf(sockets, meter)
  server?.close()
  if (run.refused > 0) problems.push(`${run.refused} messages were refused`)
  return problems
}

const QUERY = 'username=tester&password=tester&from=12345&to=46701234567'

class Run {
  refused = 0
  /** Part of a request: where its receipt goes, up to the message's number. */
  hook = ''
  private readonly load: SendsmsLoad
  private readonly meter: Meter
  private readonly query: string
  private next = 0
  /** Of messages that wait for their receipts. */
  private readonly sentAtMs = new Map<number, number>()
  /** Connections that wait until fewer messages do. */
  private readonly idle: (() => void)[] = []

  constructor(load: SendsmsLoad, meter: Meter) {
    this.load = load
    this.meter = meter
    this.query = `${QUERY}&text=${'a'.repeat(load.octets)}`
  }

  connect(): Socket {
    const { load, meter } = this
    const socket = connect({ host: '127.0.0.1', port: load.port, noDelay: true })
    let sentAtMs = 0
    const send = (): void => {
      if (meter.isOver || socket.destroyed) return
      if (load.receipts && this.sentAtMs.size >= load.awaitedMax) {
        this.idle.push(send)
        return
      }
      const n = this.next++
      sentAtMs = meter.now()
      if (load.receipts) this.sentAtMs.set(n, sentAtMs)
      const query = load.receipts ? `${this.query}${this.hook}${n}` : this.query
      socket.write(`GET /cgi-bin/sendsms?${query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
    }
    const reader = new HttpReader()
    const onAnswer = (startLine: string): void => {
      if (!startLine.includes(' 202 ')) this.refused++
      else if (!load.receipts) meter.answered(sentAtMs)
      send()
    }
    socket.on('data', chunk => reader.feed(chunk, onAnswer))
    send()
    return socket
  }

  onReceipt(n: number): void {
    const sentAtMs = this.sentAtMs.get(n)
    if (sentAtMs === undefined) return
    this.sentAtMs.delete(n)
    this.meter.answered(sentAtMs)
    this.idle.pop()?.()
  }
}

async function receiptServer(run: Run): Promise<Server> {
  const server = createServer({ noDelay: true }, socket => {
    const reader = new HttpReader()
    socket.on('error', () => undefined)
    socket.on('data', chunk => {
      let answers = ''
      reader.feed(chunk, startLine => {
        answers += 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
        run.onReceipt(Number(/n=(\d+)/.exec(startLine)?.[1]))
      })
      if (answers !== '') socket.write(answers)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  run.hook = `&dlr-mask=3&dlr-url=${encodeURIComponent(`http://127.0.0.1:${port}/?n=`)}`
  return server
}
