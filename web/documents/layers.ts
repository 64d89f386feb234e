import type { Layer } from '../../contract/layers.ts'

/** Titles and audiences of the layers, from the most public to the most private one. */
export const layerLabels: Record<Layer, { title: string; description: string }> = {
  public: { title: 'Public', description: 'Everyone who can chat with the avee' },
  friends: { title: 'Friends', description: 'People you invited as friends' },
  intimate: { title: 'Intimate', description: 'You and the people you trust most' },
}

export const layerOptions = (Object.keys(layerLabels) as Layer[]).map((value) => ({
  value,
  ...layerLabels[value],
}))
