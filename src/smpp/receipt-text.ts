/** Keys of a receipt's text, in the order of SMPP 3.4 appendix B. */
export type ReceiptKey = 'id' | 'sub' | 'dlvrd' | 'submit date' | 'done date' | 'stat' | 'err'

/**
 * Walks through a receipt's text, key by key, without making a string of anything: the hot path of receipts.
 *
 *     keys.open(text)
 *     while (keys.next()) if (keys.key === 'id') id = keys.value
 *     const message = keys.message
 *
 * A key stands at the beginning or after white space, in any case, with a colon: "ID:"; dates also as
 * "submit_date:" and "submitdate:". Its value goes to the next white space, after blanks; it is empty where
 * another key follows them: "id: sub:001". "text:" takes all that follows it and ends the walk.
 * Source: SMPP 3.4 appendix B; PITFALLS 5.
 */
export class ReceiptKeys {
  private text = ''
  private at = 0
  /** Of the key where the walk stands, which begins at `start`. */
  key: ReceiptKey = 'id'
  start = 0
  /** Its value is from `valueStart` to `valueEnd`. */
  valueStart = 0
  valueEnd = 0
  private keyEnd = 0
  /** Where what follows "text:" begins, or -1. */
  private messageStart = -1

  open(text: string): void {
    this.text = text
    this.at = 0
    this.messageStart = -1
  }

  /** Goes to the next key; false where there is none. */
  next(): boolean {
    const { text } = this
    const { length } = text
    while (this.at < length) {
      if (isSpace(text.charCodeAt(this.at))) {
        this.at++
        continue
      }
      if (this.keyAt(this.at)) {
        this.start = this.at
        if (this.findValue(this.keyEnd)) return true
      } else if (this.endsAt(this.at)) {
        return false
      }
      this.at = wordEnd(text, this.at)
    }
    return false
  }

  /** The value of the key where the walk stands. Some SMSCs put NULs into it, which count for nothing. */
  get value(): string {
    const value = this.text.slice(this.valueStart, this.valueEnd)
    return value.includes('\0') ? value.replaceAll('\0', '') : value
  }

  /** What follows "text:", once `next` has said false; undefined where there is no such key. */
  get message(): string | undefined {
    if (this.messageStart < 0) return undefined
    let end = this.text.length
    while (end > this.messageStart && this.text.charCodeAt(end - 1) === 0) end--
    return this.text.slice(this.messageStart, end)
  }

  /** The value of a key that ends before `from`; false where another key follows at once: "id:sub:001" has neither. */
  private findValue(from: number): boolean {
    const { text } = this
    let at = from
    while (at < text.length && isBlank(text.charCodeAt(at))) at++
    const blanks = at > from
    const { key } = this
    if (this.keyAt(at) || (blanks && isWord(text, at, 'text:'))) {
      this.key = key
      if (!blanks) return false
      // The last blank is the white space before the next key.
      this.at = this.valueStart = this.valueEnd = at - 1
      return true
    }
    this.key = key
    this.valueStart = at
    this.at = this.valueEnd = wordEnd(text, at)
    return true
  }

  /** Whether "text:" stands at `at`: then the walk is over. */
  private endsAt(at: number): boolean {
    if (!isWord(this.text, at, 'text:')) return false
    this.messageStart = at + 'text:'.length
    this.at = this.text.length
    return true
  }

  private keyAt(at: number): boolean {
    switch (this.text.charCodeAt(at) | 0x20) {
      case 0x69:
        return this.isKey(at, 'id')
      case 0x73:
        return this.isKey(at, 'sub') || this.isKey(at, 'stat') || this.isDate(at, 'submit date')
      case 0x64:
        return this.isKey(at, 'dlvrd') || this.isDate(at, 'done date')
      case 0x65:
        return this.isKey(at, 'err')
      default:
        return false
    }
  }

  private isKey(at: number, key: ReceiptKey): boolean {
    const end = at + key.length
    if (!isWord(this.text, at, key) || this.text.charCodeAt(end) !== COLON) return false
    this.key = key
    this.keyEnd = end + 1
    return true
  }

  /** "submit date:", "submit_date:", "submitdate:". */
  private isDate(at: number, key: 'submit date' | 'done date'): boolean {
    const { text } = this
    const first = key === 'submit date' ? 'submit' : 'done'
    if (!isWord(text, at, first)) return false
    let end = at + first.length
    const between = text.charCodeAt(end)
    if (between === 0x20 || between === 0x5f) end++
    if (!isWord(text, end, 'date:')) return false
    this.key = key
    this.keyEnd = end + 'date:'.length
    return true
  }
}

const COLON = 0x3a

/** Whether `word` (letters in lower case, and colons) stands at `at`, in any case. */
function isWord(text: string, at: number, word: string): boolean {
  if (at + word.length > text.length) return false
  for (let i = 0; i < word.length; i++) {
    const wanted = word.charCodeAt(i)
    const got = text.charCodeAt(at + i)
    if (got !== wanted && !(got + 0x20 === wanted && got >= 0x41 && got <= 0x5a)) return false
  }
  return true
}

function wordEnd(text: string, at: number): number {
  while (at < text.length && !isSpace(text.charCodeAt(at))) at++
  return at
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** White space as a regular expression's \s has it. */
function isSpace(code: number): boolean {
  if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) return true
  return code >= 0xa0 && (code === 0xa0 || (code >= 0x1680 && /\s/.test(String.fromCharCode(code))))
}
