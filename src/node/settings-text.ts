import { SettingsMistakes } from '../api/ports.js'
import { ConfigError } from '../config/file-error.js'
import { parseGatewayFile } from '../config/gateway-file.js'
import type { GatewaySettings } from '../policy/settings.js'

/** A gateway file that came over HTTP. @throws SettingsMistakes */
export function parseSettings(text: string): GatewaySettings {
  try {
    return parseGatewayFile(text, { file: 'gateway file', directory: null }).settings
  } catch (error) {
    if (error instanceof ConfigError) throw new SettingsMistakes(error.errors)
    throw error
  }
}
