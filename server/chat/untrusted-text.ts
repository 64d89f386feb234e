/**
 * Control tokens of chat templates, which some model servers parse wherever they occur in a message: ChatML, Llama 3,
 * Phi and Cohere (`<|…|>`), DeepSeek (`<｜…｜>`), EXAONE (`[|…|]`), Llama 2 and Mistral (`[INST]`, `<<SYS>>`, `<s>`),
 * Mistral's tools and system prompt, Gemma (`<start_of_turn>`).
 */
const templateToken =
  /^(?:[<[]\||<\/?(?:s|SYS|(?:start|end)_of_turn|bos|eos|pad|unk|[BE]O[SP]_TOKEN)>|\[\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_(?:CALLS|RESULTS|CONTENT))\])/i
const passageTag = /^<[\s/]*(?:passage|result)/i

/** From one opening bracket, in ASCII or normalized to it, to the next. */
const fromBracket = /[<＜﹤[［﹇][^<＜﹤[［﹇]*/g
/** Normalizes look-alikes of a token with fullwidth or invisible characters. */
const normalize = (text: string) => text.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '')

const breakUp = (text: string, ...tokens: RegExp[]): string =>
  text
    .replace(fromBracket, (part) => {
      const normalized = normalize(part)
      return tokens.some((token) => token.test(normalized)) ? `‹${part.slice(1)}` : part
    })
    .replace(/(?<=[|｜])[>＞]/g, '›')

/** Breaks up control tokens of chat templates, so that no text can start another message. */
export const withoutTemplateTokens = (text: string): string => breakUp(text, templateToken)

/** A line that starts a message in the templates of Alpaca, Vicuna and others, which have no control tokens. */
const roleLine = /^[\s#*]*(?:System|SYSTEM|User|USER|Human|Assistant|ASSISTANT|Instruction|Response)\s*:/

/** Returns text from documents, memories or other people for a prompt: it can neither close a passage nor start a message. */
export const untrusted = (text: string): string =>
  breakUp(text, templateToken, passageTag).replace(/^.+$/gm, (line) =>
    roleLine.test(normalize(line)) ? `› ${line}` : line,
  )
