import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { buildCommit, commitOf, hasChanges } from './other-build.js'

const PACKAGES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

void t.test('a commit is built beside the checkout, which stays as it is', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'carillon-other-build-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const root = join(directory, 'checkout')
  await mkdir(join(root, 'src'), { recursive: true })
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: root,
      encoding: 'utf8',
    })
  git('init', '--quiet')
  const options = { module: 'nodenext', target: 'es2022', outDir: 'build', rootDir: '.', types: [] }
  await writeFile(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }))
  await writeFile(join(root, 'package.json'), '{ "type": "module" }')
  await writeFile(join(root, 'package-lock.json'), '{}')
  await writeFile(join(root, '.gitignore'), 'node_modules')
  await writeFile(join(root, 'src/main.ts'), "export const says: string = 'before'\n")
  git('add', '.')
  git('commit', '--quiet', '--message', 'before')
  await writeFile(join(root, 'src/main.ts'), "export const says: string = 'now'\n")
  await symlink(PACKAGES, join(root, 'node_modules'))
  t.ok(await hasChanges(root))

  const { hash, at } = await commitOf(root, 'HEAD')
  t.match(hash, /^[0-9a-f]{40}$/)
  t.ok(Date.parse(at) > 0)
  await t.rejects(commitOf(root, 'nowhere'))
  const other = join(directory, 'other')
  await mkdir(other)
  const main = await buildCommit(root, hash, other)
  t.equal(((await import(main.href)) as { says: string }).says, 'before')
  t.equal(git('status', '--porcelain').trim(), 'M src/main.ts')
})
