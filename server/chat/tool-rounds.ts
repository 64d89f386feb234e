import type { UsedMemory } from '../../contract/memory.ts'
import type { CitedPassage } from '../../contract/messages.ts'
import type { ToolCall } from '../../contract/tools.ts'
import { AppError } from '../errors.ts'
import {
  type AnsweredBy,
  type ChatMessage,
  type ChatModel,
  type ChatRequest,
  type ToolCall as ModelCall,
  sumUsage,
  type TokenUsage,
} from '../models/index.ts'
import type { EventBody, RunContext } from '../runs/index.ts'
import { type AveeTool, prepareCall, type ToolContext, type ToolResult } from '../tools/index.ts'
import { toCitation } from './citations.ts'
import { callInterrupted, callRefused } from './errors.ts'
import { type ChatEvents, isToken, isToolEvent, toCall } from './events.ts'
import { type Generated, generate } from './generate.ts'
import { passageBlock, resultBlock, truncate } from './prompt.ts'
import type { ToolApprovals } from './tool-approvals.ts'

/** Limits of one answer. */
const maxRounds = 4
const maxCalls = 8
const maxArgumentCharacters = 4_000
const approvalMs = 10 * 60_000
/** The share of the context window for the descriptions and results of tools, and the minimum tokens for results. */
const toolShare = 1 / 4
const minResultTokens = 200
/** The maximum share of the remaining tokens that one result may take. */
const maxResultShare = 1 / 2
/** Separates the text before a round of calls from the text after it. */
const paragraphBreak = '\n\n'

/** The text before a round of calls, and the calls. */
export type Round = { text: string; calls: (ToolCall & { signature?: string | undefined })[] }

/** The tools of one answer, and the token budget of their results. */
export type OfferedTools = { tools: AveeTool[]; resultTokens: number; windowTokens: number }

/** Whether a model can call tools, or be guided by a schema to choose one. */
export const canUseTools = ({ capabilities }: Pick<ChatModel, 'capabilities'>): boolean =>
  capabilities.includes('tools') || capabilities.includes('json')

/**
 * Returns the tools to offer to a model, and the token budget for their results; undefined without tools, for a model
 * that cannot use them, or if too few tokens remain.
 */
export function offerTools(
  tools: AveeTool[],
  model: Pick<ChatModel, 'capabilities'>,
  { contextTokens, count }: { contextTokens: number; count: (text: string) => number },
): OfferedTools | undefined {
  if (tools.length === 0 || !canUseTools(model)) return undefined
  const share = Math.floor(contextTokens * toolShare)
  let resultTokens = share
  const fitting = tools.filter(({ described }) => {
    const left = resultTokens - count(JSON.stringify(described))
    if (left < minResultTokens) return false
    resultTokens = left
    return true
  })
  return fitting.length === 0
    ? undefined
    : { tools: fitting, resultTokens, windowTokens: contextTokens - share }
}

/** Returns the rounds in a log, and the text after the last of them. All calls of a round begin before the first ends. */
export function roundsOf(events: EventBody[]): { rounds: Round[]; rest: string } {
  const rounds: Round[] = []
  let rest = ''
  for (const event of events) {
    if (isToken(event)) rest += event.token
    if (!isToolEvent(event)) continue
    const call = toCall(event)
    const known = rounds.flatMap(({ calls }) => calls).find(({ call_id }) => call_id === call.call_id)
    const last = rounds.at(-1)
    if (known) Object.assign(known, call)
    else if (last && rest === '' && !last.calls.some(hasEnded)) last.calls.push(call)
    else {
      rounds.push({ text: rest, calls: [call] })
      rest = ''
    }
  }
  return { rounds, rest }
}

const hasEnded = ({ status }: ToolCall) => status === 'done' || status === 'failed'

export type RoundsDependencies = {
  /** Undefined if nobody can approve: calls that need approval are then refused. */
  approvals: ToolApprovals | undefined
  count: (text: string) => number
  fence: string
  /** Stores the citations before the call that found them is done. */
  saveCitations: (citations: CitedPassage[]) => Promise<void>
}

export type RoundsRequest = {
  request: ChatRequest
  offered: OfferedTools
  /** The rounds of earlier attempts. */
  rounds: Round[]
  /** The text after the rounds, which the model continues. */
  begun: string
  /** Events are emitted only after this has resolved. */
  ready: Promise<void>
  /** Called if the first round has text. */
  onFirstToken: () => void
  context: Omit<ToolContext, 'citations' | 'signal' | 'foundUrls'>
  /** Citations so far. */
  citations: CitedPassage[]
  /** The number of the next citation. */
  nextNumber: number
}

type Found = { citations: CitedPassage[]; memories: UsedMemory[]; toolCalls: ToolCall[] }

/**
 * Streams an answer whose model may call tools, into the log of a run:
 *
 *   model ──(text)──▶ answer
 *     ▲ └──(calls)─▶ all calls begin ─▶ [approval] ─▶ result, as data between fences ─┐
 *     └──────────────────────────────────────────────────────────────────────────────┘
 *
 * After a crash the rounds are rebuilt from the log. A finished call does not repeat its change, because the change and
 * the event are one transaction. Calls that only read may run again.
 */
export async function generateInRounds(
  { approvals, count, fence, saveCitations }: RoundsDependencies,
  { run, emit, flush, commit, signal }: Omit<RunContext<unknown>, 'preloaded' | 'events'>,
  model: ChatModel,
  { request, offered, rounds, begun, ready, onFirstToken, context, ...given }: RoundsRequest,
): Promise<Omit<Generated, 'toolCalls'> & Found> {
  const citations = [...given.citations]
  const memories = new Map<string, UsedMemory>()
  const results = new Map<string, string>()
  const toolContext: ToolContext = { ...context, citations, foundUrls: new Set(), signal }
  let { nextNumber } = given
  let tokensLeft = offered.resultTokens
  let localOnly = request.localOnly ?? false

  const countCalls = () => rounds.reduce((sum, { calls }) => sum + calls.length, 0)
  const record = async (call: ToolCall, state: Pick<ToolCall, 'status' | 'result'>) => {
    Object.assign(call, state)
    await emit(toEvent(call))
  }

  /** Returns the part of a result that fits, for the model, and the numbers of its passages, which are stored. */
  async function take({ text, passages = [], memories: recalled = [], ...result }: ToolResult) {
    localOnly ||= result.localOnly ?? false
    let free = tokensLeft * maxResultShare
    const parts: string[] = []
    const add = (part: string) => {
      const tokens = count(part)
      free -= tokens
      tokensLeft -= tokens
      parts.push(part)
    }
    add(resultBlock(truncate(text, free, count), fence))
    const numbers: number[] = []
    let isFirst = true
    for (const hit of passages) {
      const known = citations.find(
        (each) =>
          each.document_id === hit.documentId &&
          each.page === hit.page &&
          each.start <= hit.start &&
          each.end >= hit.end,
      )
      if (known) {
        numbers.push(known.n)
        continue
      }
      const whole = toCitation(hit, nextNumber)
      const frame = count(passageBlock({ ...whole, text: '' }, fence))
      const shown = isFirst ? truncate(whole.text, free - frame, count) : whole.text
      const citation = { ...whole, text: shown, end: whole.start + shown.length }
      const block = passageBlock(citation, fence)
      if (shown === '' || count(block) > free) continue
      add(block)
      isFirst = false
      citations.push(citation)
      numbers.push(citation.n)
      nextNumber += 1
    }
    for (const memory of recalled) memories.set(memory.id, memory)
    if (numbers.length > 0) {
      add(`Passages: ${numbers.map((n) => `[${n}]`).join(' ')}`)
      await saveCitations(citations)
    }
    return { text: parts.join('\n'), numbers }
  }

  /** Waits for the approval of the asker. @throws call_refused */
  async function requireApproval(call: ToolCall): Promise<void> {
    const expiresAt = new Date(call.expires_at ?? 0)
    const isApproved =
      approvals && (await approvals.wait({ runId: run.id, callId: call.call_id, expiresAt }, signal))
    if (!isApproved) throw callRefused()
  }

  /** Runs a call to its end and returns the result for the model. */
  async function finish(call: ToolCall): Promise<string> {
    try {
      const prepared = prepareCall(offered.tools, call.name, call.arguments, toolContext)
      if (prepared.needsApproval || call.expires_at !== undefined) {
        await requireApproval(call)
        // An earlier attempt may have changed something outside of the database.
        if (call.status === 'running' && prepared.effect === 'external') throw callInterrupted()
        if (call.status === 'needs_approval') await record(call, { status: 'running' })
        await flush()
      }
      const result = await prepared.run()
      const { text, numbers } = await take(result)
      const shown = { text: result.summary, ...(numbers.length > 0 && { citations: numbers }) }
      if (!result.store) await record(call, { status: 'done', result: shown })
      else {
        const done: ToolCall = { ...call, status: 'done', result: shown }
        await commit(toEvent(done), result.store)
        Object.assign(call, done)
      }
      return text
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof AppError)) throw error
      await record(call, { status: 'failed', result: { text: error.message } })
      return resultBlock(error.message, fence)
    }
  }

  /** Returns the result for the model of a call that ended in an earlier attempt. */
  async function readAgain(call: ToolCall): Promise<string> {
    const numbers = call.result?.citations ?? []
    const stored = citations.filter(({ n }) => numbers.includes(n))
    const summary = [call.result?.text ?? '', ...stored.map((each) => passageBlock(each, fence))].join('\n')
    if (call.status === 'failed' || numbers.length > 0) return summary
    try {
      const prepared = prepareCall(offered.tools, call.name, call.arguments, toolContext)
      return prepared.effect === 'none' ? (await take(await prepared.run())).text : summary
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return summary
    }
  }

  /** Begins the calls that the model requests, as far as the limits allow. */
  async function begin(text: string, asked: ModelCall[]): Promise<void> {
    const round: Round = { text, calls: [] }
    rounds.push(round)
    for (const { name, arguments: json, signature } of asked.slice(0, maxCalls - countCalls())) {
      const call: Round['calls'][number] = {
        // Mistral accepts only ids of nine letters and digits.
        call_id: `call${String(countCalls() + 1).padStart(5, '0')}`,
        name: name.slice(0, 64),
        arguments: parseArguments(json),
        status: 'running',
      }
      if (signature !== undefined) call.signature = signature
      round.calls.push(call)
      if (approvals && needsApproval(call)) {
        call.status = 'needs_approval'
        call.expires_at = new Date(Date.now() + approvalMs).toISOString()
        await commit(toEvent(call), (trx) => approvals.request(trx, run.id, call.call_id))
      } else await emit(toEvent(call))
    }
  }

  function needsApproval(call: ToolCall): boolean {
    try {
      return prepareCall(offered.tools, call.name, call.arguments, toolContext).needsApproval
    } catch {
      // The model receives the problem as the result of the call.
      return false
    }
  }

  for (const { calls } of rounds)
    for (const call of calls)
      results.set(call.call_id, hasEnded(call) ? await readAgain(call) : await finish(call))

  let content = rounds.map(({ text }) => text).join('')
  let reasoning = ''
  let usage: TokenUsage | undefined
  let by: AnsweredBy | undefined
  for (let rest = begun; ; rest = '') {
    const lead = content === '' ? '' : paragraphBreak
    let isLeading = rest === ''
    const canCall = rounds.length < maxRounds && countCalls() < maxCalls
    const generated = await generate(
      {
        signal,
        async emit(event) {
          const isFirst = isLeading && isToken(event)
          await emit(isFirst ? { token: lead + event.token } : event)
          if (isFirst) isLeading = false
        },
      },
      model,
      {
        ...request,
        localOnly,
        messages: [...request.messages, ...rounds.flatMap((round) => toMessages(round, results))],
        tools: offered.tools.map(({ described }) => described),
        guidesTools: true,
        ...(!canCall && { toolChoice: 'none' as const }),
      },
      {
        begun: rest.startsWith(lead) ? rest.slice(lead.length) : rest,
        ready,
        ...(rounds.length === 0 && { onFirstToken }),
      },
    )
    usage = sumUsage(usage, generated.usage)
    by = sumBy(by, generated.by)
    reasoning += generated.reasoning
    const text = generated.content === '' ? '' : lead + generated.content
    content += text
    if (!canCall || generated.toolCalls.length === 0) {
      const finishReason = generated.finishReason === 'tool_calls' ? 'stop' : generated.finishReason
      const toolCalls = rounds.flatMap(({ calls }) => calls.map(({ signature: _signature, ...call }) => call))
      return {
        content,
        reasoning,
        usage,
        by,
        finishReason,
        citations,
        memories: [...memories.values()],
        toolCalls,
      }
    }
    await ready
    await begin(text, generated.toolCalls)
    for (const call of rounds.at(-1)?.calls ?? []) results.set(call.call_id, await finish(call))
  }
}

const toEvent = ({ signature: _signature, ...call }: Round['calls'][number]) =>
  ({ event: 'tool', ...call }) satisfies ChatEvents['tool']

const toMessages = ({ text, calls }: Round, results: ReadonlyMap<string, string>): ChatMessage[] => [
  {
    role: 'assistant',
    content: text.trim(),
    toolCalls: calls.map(({ call_id: id, name, arguments: given, signature }) => ({
      id,
      name,
      arguments: JSON.stringify(given),
      signature,
    })),
  },
  ...calls.map(({ call_id }) => ({
    role: 'tool' as const,
    content: results.get(call_id) ?? '',
    toolCallId: call_id,
  })),
]

/** Returns the arguments of a call; an empty object, which the tool refuses, if they are too long or not an object. */
function parseArguments(json: string): Record<string, unknown> {
  if (json.length > maxArgumentCharacters) return {}
  try {
    const parsed: unknown = JSON.parse(json)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : {}
  } catch {
    return {}
  }
}

/** The model of the last round, with the cost of all of them. */
function sumBy(total: AnsweredBy | undefined, by: AnsweredBy | undefined): AnsweredBy | undefined {
  if (!total || !by) return by ?? total
  return {
    ...by,
    remote: total.remote || by.remote,
    cost: total.cost === undefined && by.cost === undefined ? undefined : (total.cost ?? 0) + (by.cost ?? 0),
    fallbackFrom: by.fallbackFrom ?? total.fallbackFrom,
  }
}
