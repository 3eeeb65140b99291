import { createWriteStream, type WriteStream } from 'node:fs'
import { once } from 'node:events'
import { statusText } from '../smpp/command-status.js'
import type { JournalSink } from './esme-ledger.js'
import type { Bind } from './esme-session.js'

/**
 * Writes what happens as lines of tab-separated text, in the order in which it happens, so that it
 * can be compared with what an SMSC counted. Times are milliseconds since the start of the run.
 *
 *     A  n  message_id  sent  answered     acknowledged
 *     X  n  command_status  sent  answered refused
 *     D  n  sent  broke                    in doubt: sent, not answered
 *     R  message_id  stat  at              a receipt
 *     B  session  address  connecting  bound  acknowledged
 *                                          a bind, written with the first acknowledgement that came on it;
 *                                          `-` where it ended without one
 */
export class EsmeJournal implements JournalSink {
  private readonly stream: WriteStream
  private startMs = 0
  private lines = ''
  private failure: Error | undefined
  private closing: Promise<void> | undefined

  constructor(path: string) {
    this.stream = createWriteStream(path)
    this.stream.on('error', error => (this.failure = error))
  }

  /** Sending begins: times count from here. */
  begin(startMs: number): void {
    this.startMs = startMs
  }

  acknowledged(n: number, messageId: string, sentAtMs: number, answeredAtMs: number): void {
    this.add(`A\t${n}\t${messageId}\t${this.at(sentAtMs)}\t${this.at(answeredAtMs)}\n`)
  }

  refused(n: number, command_status: number, sentAtMs: number, answeredAtMs: number): void {
    const status = statusText(command_status)
    this.add(`X\t${n}\t${status}\t${this.at(sentAtMs)}\t${this.at(answeredAtMs)}\n`)
  }

  inDoubt(n: number, sentAtMs: number, brokeAtMs: number): void {
    this.add(`D\t${n}\t${this.at(sentAtMs)}\t${this.at(brokeAtMs)}\n`)
  }

  receipt(messageId: string, stat: string, atMs: number): void {
    this.add(`R\t${messageId}\t${stat}\t${this.at(atMs)}\n`)
  }

  bind(session: number, { address, connectAtMs, boundAtMs, okAtMs }: Bind): void {
    const times = [connectAtMs, boundAtMs, okAtMs].map(ms => (ms === undefined ? '-' : this.at(ms)))
    this.add(`B\t${session}\t${address}\t${times.join('\t')}\n`)
  }

  /** Resolves when all lines are in the file; rejects where it could not be written. */
  close(): Promise<void> {
    this.closing ??= this.end()
    return this.closing
  }

  private async end(): Promise<void> {
    this.flush()
    if (this.failure === undefined) {
      this.stream.end()
      await once(this.stream, 'close').catch(() => undefined)
    }
    if (this.failure !== undefined) throw this.failure
  }

  private add(line: string): void {
    this.lines += line
    if (this.lines.length > 65_536) this.flush()
  }

  private flush(): void {
    if (this.lines !== '' && this.failure === undefined) this.stream.write(this.lines)
    this.lines = ''
  }

  private at(ms: number): string {
    return (ms - this.startMs).toFixed(1)
  }
}
