import { checkCollection, type Difference } from './collection-check.js'
import { JUDGED_OTHERWISE } from './collection-judgements.js'
import { readCollection } from './collection.js'

const USAGE = `npm run vectors -- FILE

Reads and writes each PDU of a collection (src/smpp/testing/collection.ts has its form) and prints where we differ.
Exits 1 where a difference is not among those of collection-judgements.ts.
`
const HEAD = ['PDU', 'what', 'collection', 'ours', 'why']

const [file] = process.argv.slice(2)
if (file === undefined || file === '--help') process.stdout.write(USAGE)
else run(file)

function run(file: string): void {
  const collection = readCollection(file)
  const differences = checkCollection(collection)
  const why = ({ id, what }: Difference): string | undefined =>
    JUDGED_OTHERWISE.find(one => one.id === id && one.what === what)?.why.replaceAll('\n', ' ')
  const rows = differences.map(one => [
    one.id,
    one.what,
    one.expected,
    one.ours,
    why(one) ?? 'ours',
  ])
  if (rows.length > 0) process.stdout.write(table([HEAD, ...rows]))
  const open = differences.filter(one => why(one) === undefined).length
  process.stdout.write(
    `${collection.vectors.length} valid PDUs, ${collection.malformed.length} malformed: ` +
      `differences ${differences.length}, without a reason ${open}\n`,
  )
  if (open > 0) process.exitCode = 1
}

function table(rows: readonly string[][]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  const line = (row: string[]): string => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')
  return rows.map(row => `${line(row).trimEnd()}\n`).join('')
}
