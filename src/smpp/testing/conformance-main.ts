import { writeFile } from 'node:fs/promises'
import { formatted, PAGE } from './conformance-file.js'

await writeFile(PAGE, await formatted())
