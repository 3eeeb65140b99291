import { ALL_ATTACKS, benchHostile, hostileText } from '../hostile.js'
import type { Suite } from './suite.js'

export const hostileSuite: Suite = async ({ flags, note }) => {
  const figures = await benchHostile({
    attacks: ALL_ATTACKS,
    ms: flags.duration,
    idleSessions: flags.idle,
    progress: row => note(hostileText([row])),
  })
  const problems = figures
    .filter(({ refused }) => refused > 0)
    .map(({ attack, refused }) => `${attack}: ${refused} submits of others were refused`)
  return { figures, text: hostileText(figures), problems }
}
