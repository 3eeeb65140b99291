import type { SessionTimes } from '../session-state.js'

/** Every timer off, and small windows. */
export const NO_TIMES: SessionTimes = {
  windowIn: 10,
  windowOut: 10,
  bindTimeoutMs: 0,
  enquireLinkMs: 0,
  inactivityTimeoutMs: 0,
  responseTimeoutMs: 0,
}
