import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import smpp, { type PDU, type Session } from 'smpp'
import { systemClock, systemTimers } from '../../base/clock.js'
import { silentLogger, type Logger } from '../../base/logger.js'
import { resolveSecret } from '../../config/load.js'
import { parseNodeFile } from '../../config/node-file.js'
import { EsmeClient } from '../../front/testing/esme-client.js'
import { connectTcp } from '../../link/tcp.js'
import type { Account, Connector, GatewaySettings } from '../../policy/settings.js'
import { PrometheusMetrics } from '../../telemetry/metrics.js'
import { freePorts } from '../../testing/free-ports.js'
import { account, connector, gateway } from '../../testing/gateway.js'
import { SmscSimulator } from '../../tools/smsc-sim.js'
import { CarillonNode } from '../node.js'
import { Secrets } from '../secrets.js'
import { systemMachine } from '../system-machine.js'

export interface Site {
  start: (logger?: Logger) => Promise<CarillonNode>
  smsc: SmscSimulator
  dataDir: string
}

/** A directory, a peer port, an SMSC that does not listen yet, and a node of one that real sockets reach. */
export async function site(
  tap: { teardown(fn: () => unknown): void; fail(message: string, extra: object): unknown },
  over: {
    account?: Partial<Account>
    connector?: Partial<Connector>
    gateway?: Partial<GatewaySettings>
    listeners?: string
  } = {},
): Promise<Site> {
  const directory = mkdtempSync(join(tmpdir(), 'carillon-node-'))
  const [peer, smsc] = await freePorts(2)
  const simulator = new SmscSimulator({ port: smsc!, behaviour: { receiptDelayMs: 5 } })
  const { config } = parseNodeFile(
    `node: { id: 1, dataDir: ${directory}/data }
cluster: { listen: 127.0.0.1:${peer} }
smpp: { listen: 127.0.0.1:0, listeners: ${over.listeners ?? '[]'} }
http: { listen: 127.0.0.1:0 }`,
    { file: `${directory}/node.yaml`, environment: {}, exists: () => false },
  )
  const settings = gateway({
    accounts: [
      account('esme1', { password: { kind: 'plain', value: 'secret1' }, ...over.account }),
    ],
    connectors: [connector('smsc-a', { port: smsc!, binds: 2, ...over.connector })],
    ...over.gateway,
  })
  const running: CarillonNode[] = []
  tap.teardown(async () => {
    for (const node of running) await node.stop(0)
    await simulator.stop()
    rmSync(directory, { recursive: true })
  })
  return {
    smsc: simulator,
    dataDir: config.node.dataDir,
    start: async (logger = silentLogger) => {
      const node = await CarillonNode.start({
        config,
        machine: systemMachine,
        logger,
        metrics: new PrometheusMetrics(),
        secrets: new Secrets({
          passwords: systemMachine.passwords,
          sealing: undefined,
          resolve: secret => resolveSecret(secret),
        }),
        version: 'test',
        firstSettings: () => ({ settings, author: 'test' }),
        fatal: error => tap.fail('the node stops', { error }),
      })
      running.push(node)
      await node.ready()
      return node
    },
  }
}

export async function bind(
  node: CarillonNode,
  password = 'secret1',
  port = node.smppPort,
): Promise<Session> {
  const session = smpp.connect({ host: '127.0.0.1', port })
  session.on('error', () => undefined)
  await once(session, 'connect')
  const bound = await new Promise<PDU>(resolve =>
    session.bind_transceiver({ system_id: 'esme1', password }, resolve),
  )
  if (bound.command_status !== 0) throw new Error(`bind refused: ${bound.command_status}`)
  return session
}

/** An ESME that can send what the `smpp` package cannot, before its bind. */
export async function connectEsme(node: CarillonNode): Promise<EsmeClient> {
  const to = { host: '127.0.0.1', port: node.smppPort, timeoutMs: 10_000 }
  return new EsmeClient(await connectTcp(to), { ...systemClock, ...systemTimers })
}

export async function submit(session: Session, text: string): Promise<string> {
  const answer = await new Promise<PDU>(resolve =>
    session.submit_sm(
      { destination_addr: '491701234567', short_message: text, registered_delivery: 1 },
      resolve,
    ),
  )
  if (answer.command_status !== 0) throw new Error(`refused: ${answer.command_status}`)
  return answer['message_id'] as string
}

export async function get<T>(node: CarillonNode, path: string): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${node.httpPort}${path}`)
  return (await answer.json()) as T
}
