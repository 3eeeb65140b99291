import type { Link } from '../link/link.js'
import type { SessionLimits } from '../link/types.js'
import type { Body } from '../smpp/codec.js'
import type { BindName } from '../smpp/command-ids.js'
import type { CommandStatus } from '../smpp/command-status.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { AcceptedLog } from './accepted-log.js'
import { DueQueue } from './due-queue.js'
import type { ToolEffects } from './effects.js'
import { TagReader } from './message-tag.js'
import { SmscFaults, type SmscBehaviour } from './smsc-faults.js'
import { receiptBody, wantsReceipt, type AcceptedMessage } from './smsc-messages.js'
import { SmscMemory } from './smsc-memory.js'
import { Outbox } from './smsc-outbox.js'
import type { SmscSession } from './smsc-session.js'
import { SmscCounters } from './smsc-stats.js'
import { TagCounts } from './tag-counts.js'

interface LateAnswer {
  link: Link
  command_id: number
  sequence_number: number
  status: number
  body: Buffer | undefined
}

interface LateReceipt {
  kind: 'receipt' | 'notification'
  systemId: string
  message: AcceptedMessage
}

/** What all sessions of a simulated SMSC share. */
export class SmscCore {
  readonly effects: ToolEffects
  readonly limits: SessionLimits
  readonly sessions = new Set<SmscSession>()
  readonly counters = new SmscCounters()
  readonly tags = new TagCounts()
  readonly log = new AcceptedLog()
  /** One reader serves all sessions: what it says is used within the call. */
  readonly submit = new SubmitReader()
  readonly tag = new TagReader()
  readonly memory = new SmscMemory()
  readonly outboxes = new Map<string, Outbox>()
  readonly lateReceipts: DueQueue<LateReceipt>
  faults: SmscFaults
  private readonly credentials: Credentials
  private readonly lateAnswers: DueQueue<LateAnswer>
  private lastNumber: number

  constructor(
    behaviour: SmscBehaviour,
    limits: SessionLimits,
    credentials: Credentials,
    effects: ToolEffects,
  ) {
    const { clock, timers, random } = effects
    this.effects = effects
    this.limits = limits
    this.credentials = credentials
    this.faults = new SmscFaults(behaviour, random)
    // Ids go on where an earlier run, of a million messages a second at most, has stopped.
    this.lastNumber = Math.floor(clock.nowMs() / 1000) * 1_000_000
    this.lateAnswers = new DueQueue(clock, timers, answer => answered(answer))
    this.lateReceipts = new DueQueue(clock, timers, late => this.receipt(late))
  }

  admit({ system_id, password }: Body<BindName>): CommandStatus {
    const { refuseBinds } = this.faults.behaviour
    if (refuseBinds !== null) return refuseBinds
    if (system_id !== (this.credentials.systemId ?? system_id)) return 'ESME_RINVSYSID'
    if (password !== (this.credentials.password ?? password)) return 'ESME_RINVPASWD'
    if (!this.outboxes.has(system_id) && this.outboxes.size >= SYSTEM_IDS_MAX)
      return 'ESME_RBINDFAIL'
    return 'ESME_ROK'
  }

  outbox(systemId: string): Outbox {
    let outbox = this.outboxes.get(systemId)
    if (outbox === undefined) {
      outbox = new Outbox(this.counters.outgoing, this.effects)
      this.outboxes.set(systemId, outbox)
    }
    return outbox
  }

  nextNumber(): number {
    return ++this.lastNumber
  }

  answer(answer: LateAnswer, delayMs: number): void {
    if (delayMs === 0) answered(answer)
    else this.lateAnswers.add(delayMs, answer)
  }

  receiptLater(receipt: LateReceipt, delayMs: number): void {
    if (delayMs === 0) this.receipt(receipt)
    else this.lateReceipts.add(delayMs, receipt)
  }

  /** Stops all timers. */
  clear(): void {
    this.lateAnswers.clear()
    this.lateReceipts.clear()
    for (const outbox of this.outboxes.values()) outbox.clear()
  }

  private receipt({ kind, systemId, message }: LateReceipt): void {
    const deleted = this.memory.isDeleted(message.number)
    if (deleted && kind === 'notification') return
    if (deleted) message.state = 'DELETED'
    if (kind === 'receipt' && !wantsReceipt(message)) return
    const body = receiptBody(message, this.effects.clock.nowMs(), this.faults.behaviour, kind)
    this.outbox(systemId).push(kind, body)
  }
}

function answered({ link, command_id, sequence_number, status, body }: LateAnswer): void {
  link.respond(command_id, sequence_number, status, body)
}

/** Null: any. */
export interface Credentials {
  systemId: string | null
  password: string | null
}

const SYSTEM_IDS_MAX = 1_000
