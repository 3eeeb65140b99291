import { readFile } from 'node:fs/promises'
import t from 'tap'
import { formatted, PAGE } from './testing/conformance-file.js'

void t.test('docs/smpp-conformance.md is what the tables give: npm run conformance', async t => {
  const committed = await readFile(PAGE, 'utf8')
  t.ok((await formatted()) === committed, 'run npm run conformance, and commit what it writes')
})
