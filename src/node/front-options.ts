import type { Messenger } from '../../cluster/types.js'
import type { Logger } from '../base/logger.js'
import type { Metrics } from '../base/metrics.js'
import type { NodeConfig, SmppListener } from '../config/node-file.js'
import type { AccountRates, FrontOptions, Listen } from '../front/index.js'
import type { Journal } from '../journal/index.js'
import type { LinkTraces } from '../link/link-traces.js'
import type { Secret } from '../policy/settings.js'
import type { Machine } from './machine.js'
import { MESSAGE_KIND } from './message-kinds.js'

/** Requests of a connection before its bind; the account's window counts afterwards. */
const WINDOW_UNBOUND = 10
/** Towards a peer that does not read. */
const WRITE_QUEUE_OCTETS_MAX = 4 * 1024 * 1024
/** Refused connections are logged once in this many milliseconds. */
const COMPLAIN_MS = 10_000

export interface FrontPorts {
  config: NodeConfig
  machine: Machine
  logger: Logger
  metrics: Metrics
  journal: Journal
  messenger: Messenger
  rates: AccountRates
  leaderlessSinceMs(): number | undefined
  currentRead(): Promise<unknown>
  /** Whether this node leads, with a quorum. */
  leads(): boolean
  openSecret(secret: Secret): string
  traces: LinkTraces
}

/** The front end's options, from the node file and the parts around it. */
export function frontOptions(ports: FrontPorts): FrontOptions {
  const { config, machine, logger, metrics, journal, messenger } = ports
  const { smpp, cluster } = config
  return {
    journal,
    clock: machine.clock,
    timers: machine.timers,
    random: machine.random,
    logger,
    metrics,
    passwords: machine.passwords,
    cluster: {
      leaderlessSinceMs: () => ports.leaderlessSinceMs(),
      currentRead: () => ports.currentRead(),
    },
    messenger: {
      send: (to, body) => messenger.send(to, MESSAGE_KIND.front, body),
      onMessage: handler => messenger.onMessage(MESSAGE_KIND.front, handler),
    },
    listen: listens(ports),
    limits: {
      windowIn: WINDOW_UNBOUND,
      windowOut: WINDOW_UNBOUND,
      pduOctetsMax: smpp.pduOctetsMax,
      bindTimeoutMs: smpp.bindTimeoutMs,
      enquireLinkMs: smpp.enquireLinkMs,
      inactivityTimeoutMs: smpp.inactivityTimeoutMs,
      responseTimeoutMs: smpp.responseTimeoutMs,
      writeQueueOctetsMax: WRITE_QUEUE_OCTETS_MAX,
    },
    submitTimeoutMs: smpp.submitTimeoutMs,
    isolationTimeoutMs: cluster.isolationTimeoutMs,
    receiptGuardMs: smpp.receiptGuardMs,
    rates: ports.rates,
    traces: ports.traces,
    outbind: {
      leads: () => ports.leads(),
      connect: to => machine.connect(to),
      openSecret: secret => ports.openSecret(secret),
    },
  }
}

/** The plain listener, then the TLS one where there is one, then those of `smpp.listeners`. */
function listens({ config, machine, logger, metrics }: FrontPorts): Listen[] {
  const { smpp } = config
  const refused = metrics.counter('protocol_errors_total', { kind: 'connectionRefused' })
  let complainedAtMs = -Infinity
  const complaints = {
    onCertificates: (error: Error | undefined): void => {
      if (error === undefined) logger.info('certificate renewed')
      else logger.error('certificate not renewed', { reason: error.message })
    },
    onRefused: (reason: string, remoteAddress: string): void => {
      refused.add()
      const now = machine.clock.monotonicMs()
      if (now - complainedAtMs < COMPLAIN_MS) return
      complainedAtMs = now
      logger.warn('connection not taken', { reason, remoteAddress })
    },
  }
  const open =
    ({ listen, tls, proxyProtocol, trustedProxies, ...limits }: SmppListener): Listen =>
    onConnection => {
      const { allowFrom, connectionsMax, connectionsPerAddressMax } = limits
      const proxy = { mode: proxyProtocol, trustedProxies }
      const all = { allowFrom, connectionsMax, connectionsPerAddressMax, proxy, tls }
      return machine.listen({ ...complaints, ...listen, ...all, onConnection })
    }
  const plain: SmppListener = { ...smpp, tls: null }
  const secure: SmppListener[] =
    smpp.tls === null ? [] : [{ ...smpp, listen: smpp.tls.listen, tls: smpp.tls }]
  return [plain, ...secure, ...smpp.listeners].map(open)
}
