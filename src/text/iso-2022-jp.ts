import iconv from 'iconv-lite'

const ASCII = '\x1b(B'
const JIS_X_0208 = '\x1b$B'

/**
 * ISO-2022-JP, which iconv-lite does not have: ASCII and JIS X 0208, an escape before each run; the latter is EUC-JP
 * without its high bits. A text ends in ASCII.
 *
 * @returns  undefined where a character is in neither
 * Source: RFC 1468.
 */
export function encodeIso2022Jp(text: string): Buffer | undefined {
  let out = ''
  let wide = false
  for (const character of text) {
    const octets = iconv.encode(character, 'eucjp')
    const isWide = octets.length === 2 && octets[0]! >= 0xa1
    const known = isWide || (octets.length === 1 && character === octets.toString('latin1'))
    if (!known || character === '\x1b') return undefined
    if (isWide !== wide) out += isWide ? JIS_X_0208 : ASCII
    wide = isWide
    for (const octet of octets) out += String.fromCharCode(octet & 0x7f)
  }
  return Buffer.from(wide ? out + ASCII : out, 'latin1')
}

/** Runs in other sets than ASCII, JIS X 0201 Roman and JIS X 0208 become `�`. */
export function decodeIso2022Jp(octets: Buffer): string {
  let text = ''
  let set = '(B'
  for (let at = 0; at < octets.length;) {
    if (octets[at] === 0x1b) {
      set = octets.toString('latin1', at + 1, at + 3)
      at += 3
      continue
    }
    const escape = octets.indexOf(0x1b, at)
    const end = escape < 0 ? octets.length : escape
    const run = octets.subarray(at, end)
    if (set === '(B' || set === '(J')
      text += run.toString('latin1').replace(/[\x80-\xff]/g, '\ufffd')
    else if (set === '$B' || set === '$@')
      text += iconv.decode(Buffer.from(run.map(octet => octet | 0x80)), 'eucjp')
    else text += '\ufffd'
    at = end
  }
  return text
}
