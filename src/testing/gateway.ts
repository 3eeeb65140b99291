import type { Account, Connector, GatewaySettings, Route } from '../policy/settings.js'
import { NO_SETTINGS } from '../policy/settings.js'

// Settings for tests: DESIGN §5's defaults, and what a test says otherwise.

export function account(systemId: string, over: Partial<Account> = {}): Account {
  return {
    systemId,
    password: { kind: 'plain', value: 'secret1' },
    bindTypes: ['trx', 'tx', 'rx'],
    maxSessions: 10,
    window: 100,
    throughputPerSecond: null,
    allowFrom: [],
    queueLimit: 10_000_000,
    moLimit: 100_000,
    receiptLimit: 10_000_000,
    receiptTtlMs: 259_200_000,
    resubmissionWindowMs: 0,
    messageIdStyle: 'long',
    ...over,
  }
}

export function connector(id: string, over: Partial<Connector> = {}): Connector {
  return {
    id,
    host: '127.0.0.1',
    port: 2776,
    systemId: 'carillon',
    password: { kind: 'plain', value: 'secret' },
    systemType: '',
    bindType: 'trx',
    binds: 1,
    window: 100,
    throughputPerSecond: null,
    inDoubt: { kind: 'wait', ms: 30_000 },
    nodes: [],
    localAddress: null,
    tls: null,
    messageIdFormat: { submit: 'text', receipt: 'text' },
    errors: {},
    enquireLinkMs: 30_000,
    responseTimeoutMs: 10_000,
    bindTimeoutMs: 10_000,
    ...over,
  }
}

/** A route that matches everything, but for what is said. */
export function route(name: string, to: string[], match: Partial<Route['match']> = {}): Route {
  return { name, match: { destinationPrefix: '', sourcePrefix: '', account: null, ...match }, to }
}

/** One account `esme1`, one connector `smsc-a`, a route and an MO route between them. */
export function gateway(over: Partial<GatewaySettings> = {}): GatewaySettings {
  return {
    ...NO_SETTINGS,
    accounts: [account('esme1')],
    connectors: [connector('smsc-a')],
    routes: [route('default', ['smsc-a'])],
    moRoutes: [
      {
        name: 'all',
        match: { connector: null, destinationPrefix: '', sourcePrefix: '' },
        to: 'esme1',
      },
    ],
    ...over,
  }
}
