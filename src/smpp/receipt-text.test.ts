import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { receiptTexts } from './testing/receipt-texts.js'
import { ReceiptKeys } from './receipt-text.js'

interface Found {
  key: string
  value: string
}

function walk(text: string): { found: Found[]; message: string | undefined } {
  const keys = new ReceiptKeys()
  keys.open(text)
  const found: Found[] = []
  while (keys.next()) found.push({ key: keys.key, value: keys.value })
  return { found, message: keys.message }
}

/** The same rules as regular expressions: slower, and another way to say them. */
function byExpression(text: string): { found: Found[]; message: string | undefined } {
  const cut = /(?:^|\s)text:/i.exec(text)
  const message =
    cut === null ? undefined : text.slice(cut.index + cut[0].length).replace(/\0+$/, '')
  const head = cut === null ? text : text.slice(0, cut.index)
  const names = 'id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err'
  const key = new RegExp(`(?:^|\\s)(${names}):[ \\t]*((?!(?:${names}):)\\S*)`, 'gi')
  const found = [...head.matchAll(key)].map(([, name = '', value = '']) => ({
    key: name.toLowerCase().replace(/[ _]?date$/, ' date'),
    value: value.replaceAll('\0', ''),
  }))
  return { found, message }
}

void t.test('keys are found as regular expressions find them', t => {
  fc.assert(
    fc.property(receiptTexts, text => {
      assert.deepEqual(walk(text), byExpression(text))
    }),
    { numRuns: 2_000 },
  )
  t.end()
})
