import type { Layer } from '../../contract/layers.ts'
import { type Message, message } from '../languages/index.ts'

/** Titles and audiences of the layers, from the most public to the most private one. */
export const layerLabels: Record<Layer, { title: Message; description: Message }> = {
  public: { title: message('Public'), description: message('Everyone who can chat with the avee') },
  friends: { title: message('Friends'), description: message('People you invited as friends') },
  intimate: { title: message('Intimate'), description: message('You and the people you trust most') },
}

export const layerOptions = (Object.keys(layerLabels) as Layer[]).map((value) => ({
  value,
  ...layerLabels[value],
}))
