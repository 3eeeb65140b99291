import type { GatewaySettings } from '../../src/policy/settings.js'
import { account, connector, gateway, route } from '../../src/testing/gateway.js'

/** Unanswered requests per bind, and binds: what can be in doubt at once. */
export const WINDOW = 20
export const BINDS = 2

/** resubmissionWindow, ms, by system_id; none is 0. */
export type Windows = ReadonlyMap<string, number>

/** Two customers, two SMSCs; revisions differ in what a customer may do. */
export function settingsOf(revision: number, windows: Windows = new Map()): GatewaySettings {
  const fields = {
    binds: BINDS,
    window: WINDOW,
    responseTimeoutMs: 2000,
    bindTimeoutMs: 2000,
    enquireLinkMs: 5000,
  }
  return gateway({
    accounts: [
      account('esme1', { window: 90 + revision, resubmissionWindowMs: windows.get('esme1') ?? 0 }),
      account('esme2', { resubmissionWindowMs: windows.get('esme2') ?? 0 }),
    ],
    connectors: [
      connector('smsc-a', {
        ...fields,
        host: 'smsc-a',
        bindType: 'tx+rx',
        inDoubt: { kind: 'wait', ms: 3000 },
      }),
      connector('smsc-b', {
        ...fields,
        host: 'smsc-b',
        inDoubt: { kind: 'resend' },
      }),
    ],
    routes: [
      route('zero', ['smsc-a', 'smsc-b'], { destinationPrefix: '490' }),
      route('rest', ['smsc-b']),
    ],
  })
}
