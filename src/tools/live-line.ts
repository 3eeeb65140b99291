/** One line on a terminal that is written over again and again; elsewhere nothing. */
export class LiveLine {
  private readonly stream: NodeJS.WriteStream
  /** Whether anything is shown at all. */
  readonly on: boolean
  private shown = false

  /** @param wanted  false: never show anything, whatever the stream is */
  constructor(stream: NodeJS.WriteStream, wanted: boolean) {
    this.stream = stream
    this.on = wanted && stream.isTTY
  }

  show(text: string): void {
    if (!this.on) return
    this.shown = true
    this.stream.write(`\r\x1b[K${text.slice(0, (this.stream.columns || 80) - 1)}`)
  }

  /** A line that stays, above the live one. */
  note(text: string): void {
    this.clear()
    this.stream.write(`${text}\n`)
  }

  clear(): void {
    if (this.shown) this.stream.write('\r\x1b[K')
    this.shown = false
  }
}
