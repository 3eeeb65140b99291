/** One mistake in a file. Line and column count from 1; 0 where there is no place to point at. */
export interface FileError {
  /** As the user gave it; `environment` for a variable. */
  file: string
  line: number
  column: number
  /** `accounts[0].systemId`, or the variable's name. */
  key: string
  message: string
}

/** A file that cannot be used. Its message lists every mistake, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly errors: readonly FileError[]
  constructor(errors: readonly FileError[], options?: ErrorOptions) {
    super(errors.map(describeFileError).join('\n'), options)
    this.errors = errors
  }
}

/** `gateway.yaml:3:5: accounts[0].windw: unknown key; did you mean window?` */
export function describeFileError({ file, line, column, key, message }: FileError): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file
  return key === '' ? `${place}: ${message}` : `${place}: ${key}: ${message}`
}

/** `accounts[0].systemId` for ['accounts', 0, 'systemId']. */
export function keyText(path: readonly PropertyKey[]): string {
  return path
    .map(part => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
}
