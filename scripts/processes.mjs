// Which process is it? A pid alone may have been given to another one since.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** When the process started, in the system's own words; undefined where there is none. */
export function startTimeOf(pid) {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19] // field 22 of proc(5); a zombie does nothing more
  } catch {
    return undefined
  }
}

/** True while the very process that was recorded runs. */
export function isAlive({ pid, started }) {
  return started !== undefined && startTimeOf(pid) === started
}

/** Ends a recorded process and its group, and returns when it is gone. */
export async function killGroupAndWait(recorded) {
  try {
    process.kill(-recorded.pid, 'SIGKILL')
  } catch {
    return // gone since we looked
  }
  for (let tries = 0; tries < 100 && isAlive(recorded); tries++) {
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
