import type { ModelInfo } from '../../contract/models.ts'
import { t } from '../languages/index.ts'

/** The name of the built-in provider, which quotes passages without a language model. */
export const builtInName = (): string => t('Built-in (no language model)')

/** The name shown for a model. */
export const modelName = ({ name, provider }: Pick<ModelInfo, 'name' | 'provider'>): string =>
  provider === 'extractive' ? builtInName() : name

/** Returns the message that names the model that answers after the active one was deleted. */
export const successorText = (name: string): string =>
  t('The active model was deleted. {name} answers now.', {
    name: name === 'extractive' ? builtInName() : name,
  })

/** Whether a model can write answers. A provider that reports no capabilities may offer any. */
export const canAnswer = ({ capabilities }: Pick<ModelInfo, 'capabilities'>): boolean =>
  capabilities.length === 0 || capabilities.includes('completion')
