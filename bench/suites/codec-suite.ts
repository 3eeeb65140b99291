import { benchCodec, codecText } from '../codec.js'
import type { Suite } from './suite.js'

export const codecSuite: Suite = () => {
  const figures = benchCodec({ rounds: 7, roundMs: 60 })
  return Promise.resolve({ figures, text: codecText(figures), problems: [] })
}
