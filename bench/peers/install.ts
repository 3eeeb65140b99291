import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { hasProgram, PACKAGES } from './programs.js'

/**
 * Installs Debian's packages of the programs that are not here.
 * @returns what was done or is to be done, a sentence for people
 */
export function installMissing(): string {
  const absent = Object.entries(PACKAGES).filter(([program]) => !hasProgram(program))
  if (absent.length === 0) return 'nothing is missing'
  const packages = [...new Set(absent.map(([, name]) => name))]
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0) {
    const programs = absent.map(([program]) => program).join(', ')
    return `not root on a Debian, nothing was installed: ${programs} must be on the PATH (${packages.join(', ')} in Debian)`
  }
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', args, {
      stdio: ['ignore', 2, 2], // stdout is for the result
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0
  // a list that is not new is better than none
  apt('update', '-q')
  if (!apt('install', '-qy', '--no-install-recommends', ...packages))
    return `apt-get install ${packages.join(' ')} failed`
  return (
    `installed ${packages.join(', ')}; Debian may have started them as services, ` +
    'which take part of the machine and are not what is measured: systemctl disable --now NAME'
  )
}
