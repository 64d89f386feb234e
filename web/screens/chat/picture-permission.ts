import { useQuery } from '@tanstack/react-query'
import * as z from 'zod/mini'
import type { Avee } from '../../../contract/avees.ts'
import { listAvailableModels } from '../../../contract/models.ts'
import { type ApiError, keys } from '../../api/index.ts'
import { useApi, useServerStatus } from '../../api/react.tsx'
import { loadLocally, saveLocally } from '../../ui/local-storage.ts'
import type { ChosenModel } from './model-picker.tsx'

const storageKey = (conversationId: string): string => `images-to:${conversationId}`
const details = z.object({ provider: z.string(), model: z.string() })

/**
 * Returns the remote provider that may receive the pictures of a conversation, as permitted by the user in this
 * browser.
 */
export const permittedProvider = (conversationId: string): string | undefined =>
  loadLocally(storageKey(conversationId))

export const permitProvider = (conversationId: string, provider: string): void =>
  saveLocally(storageKey(conversationId), provider)

/** Returns the provider for which the server requires permission. */
export function askedProvider(error: ApiError | undefined): string | undefined {
  const parsed = details.safeParse(error?.details)
  return error?.code === 'images_need_permission' && parsed.success ? parsed.data.provider : undefined
}

/**
 * Returns the name of the model that will answer if it has no vision; undefined if it has, or while that is unknown.
 */
export function useModelWithoutPictures(
  avee: Avee,
  chosen: ChosenModel | undefined,
  hasPictures: boolean,
): string | undefined {
  const api = useApi()
  const status = useServerStatus()
  const models = useQuery({
    queryKey: keys.availableModels,
    queryFn: () => api.call(listAvailableModels),
    staleTime: 60_000,
    enabled: hasPictures,
  })
  if (!hasPictures) return undefined
  const name =
    chosen?.name ??
    (chosen?.strong ? status.data?.strong_model : (avee.model ?? status.data?.active_model)) ??
    undefined
  const model = models.data?.find((each) => each.id === name || each.name === name)
  return model && !model.capabilities.includes('vision') ? model.name : undefined
}
