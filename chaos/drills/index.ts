import type { Drill } from '../drill.js'
import { KILLS } from './kills.js'
import { MACHINE } from './machine.js'
import { NETWORK } from './network.js'
import { PAUSES } from './pauses.js'
import { SESSIONS } from './sessions.js'
import { UPSTREAM } from './upstream.js'

/** In the order in which `--all` runs them. */
export const DRILLS: readonly Drill[] = [
  ...KILLS,
  ...PAUSES,
  ...UPSTREAM,
  ...NETWORK,
  ...SESSIONS,
  ...MACHINE,
]
