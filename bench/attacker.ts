import { parentPort, workerData } from 'node:worker_threads'
import { ATTACKS, idle, type AttackName } from './attacks.js'

/** A thread that attacks a port until it is terminated. It posts how many idle sessions are bound. */
const { attack, port, sessions } = workerData as {
  attack: AttackName | 'idle'
  port: number
  sessions: number
}
if (attack === 'idle') idle(port, sessions, count => parentPort!.postMessage(count))
else ATTACKS[attack](port)
