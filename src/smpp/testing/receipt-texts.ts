import fc from 'fast-check'

const PIECES = [
  'id:',
  'ID:',
  'sub:',
  'dlvrd:',
  'submit date:',
  'submit_date:',
  'SubmitDate:',
  'done date:',
  'done_date:',
  'stat:',
  'err:',
  'text:',
  'Text:',
  'submit',
  'date',
  'vendor:x',
  'DELIVRD',
  '000',
  '2601020304',
  '0a1B-2',
  ' ',
  ' ',
  ' ',
  '\t',
  '\n',
  '\u00a0',
  '\0',
  ':',
  'ü',
]

/** Texts of receipts as SMSCs may send them, most of them odd. Latin-1. */
export const receiptTexts: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 24 })
  .map(pieces => pieces.join(''))
