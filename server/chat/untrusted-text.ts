/**
 * Control tokens of chat templates: ChatML and Llama 3 (`<|im_start|>`, `<|eot_id|>`), Llama 2 and Mistral (`[INST]`,
 * `<<SYS>>`, `<s>`), Gemma (`<start_of_turn>`). Some model servers parse them wherever they occur in a message.
 */
const templateTokens =
  /<(?=\|)|(?<=\|)>|<(?=<SYS>>|<\/SYS>>|\/?s>|(?:start|end)_of_turn>|(?:bos|eos|pad|unk)>)|\[(?=\/?INST\])/gi

const replacements: Record<string, string> = { '<': '‹', '>': '›', '[': '［' }

/** Breaks up control tokens of chat templates, so that no text can start a message of its own. */
export const withoutTemplateTokens = (text: string): string =>
  text.replace(templateTokens, (bracket) => replacements[bracket] ?? bracket)

/** Returns text from documents, memories or other people for a prompt: it can neither close a passage nor start a message. */
export const untrusted = (text: string): string =>
  withoutTemplateTokens(text).replace(/<(?=\/?passage)/gi, '‹')
