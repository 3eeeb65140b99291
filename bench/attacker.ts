import { workerData } from 'node:worker_threads'
import { ATTACKS, type AttackName } from './attacks.js'

/** A thread that attacks a port until it is terminated. */
const { attack, port } = workerData as { attack: AttackName; port: number }
ATTACKS[attack](port)
