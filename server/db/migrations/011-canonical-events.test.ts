import { describe, expect, test } from 'vitest'
import { DATABASES, openTestDatabase } from '../../../test/databases.ts'
import { newId } from '../index.ts'
import { up } from './011-canonical-events.ts'

describe.each(DATABASES)('migration 011 on %s', (kind) => {
  test('converts the logs of /api/chat to canonical events with the same numbers', async () => {
    await using database = await openTestDatabase(kind)
    const { db } = database
    const [userId, aveeId, conversationId, messageId, runId, failedId, gabeeId] = Array.from(
      { length: 7 },
      newId,
    )
    const ids = { conversation_id: conversationId, message_id: messageId }
    const citations = [{ n: 1, title: 'Looms', text: 'Blue \u2028 cloth', cited: true }]
    await db.insertInto('users').values({ id: userId!, handle: 'ann', display_name: 'Ann' }).execute()
    await db
      .insertInto('avees')
      .values({ id: aveeId!, owner_id: userId!, handle: 'ada', display_name: 'Ada' })
      .execute()
    await db
      .insertInto('conversations')
      .values({ id: conversationId!, avee_id: aveeId!, user_id: userId!, layer_used: 'public' })
      .execute()

    const insertRun = async (id: string, input: object, events: object[]) => {
      await db
        .insertInto('runs')
        .values({
          id,
          kind: 'chat',
          user_id: userId!,
          input: JSON.stringify(input),
          last_event: events.length,
        })
        .execute()
      const rows = events.map((event, index) => ({ run_id: id, n: index + 1, data: JSON.stringify(event) }))
      await db.insertInto('run_events').values(rows).execute()
    }
    const history = [{ role: 'user', content: 'NUL \0 and "dialect":"gabee"' }]
    await insertRun(runId!, { messageId, dialect: 'localchat', history }, [
      { content: 'Blue "cloth" ' },
      { event: 'resumed', attempt: 2 },
      { content: '[1].' },
      { sources: [{ filename: 'looms.txt', page: null }] },
      {
        done: true,
        ...ids,
        model_used: 'llama3.2:1b',
        total_tokens: 3,
        usage: { prompt_tokens: 9, completion_tokens: 3 },
        finish_reason: 'stop',
      },
    ])
    const error = { code: 'model_away', message: 'The model is away.' }
    await insertRun(failedId!, { messageId, dialect: 'localchat' }, [
      { error, message: error.message, done: true, ...ids },
    ])
    await insertRun(gabeeId!, { messageId, dialect: 'gabee' }, [{ token: 'Hello' }])
    await db
      .insertInto('messages')
      .values({
        id: messageId!,
        conversation_id: conversationId!,
        role: 'assistant',
        content: 'Blue "cloth" [1].',
        status: 'complete',
        layer_used: 'public',
        citations: JSON.stringify(citations),
        run_id: runId!,
      })
      .execute()

    await up(db as Parameters<typeof up>[0])

    const read = async (id: string) => {
      const { input } = await db
        .selectFrom('runs')
        .select('input')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      const events = await db
        .selectFrom('run_events')
        .select('data')
        .where('run_id', '=', id)
        .orderBy('n')
        .execute()
      return {
        input,
        texts: events.map(({ data }) => data),
        events: events.map(({ data }) => JSON.parse(data)),
      }
    }
    const run = await read(runId!)
    expect(run.events).toEqual([
      { token: 'Blue "cloth" ' },
      { event: 'resumed', attempt: 2 },
      { token: '[1].' },
      { token: '' },
      {
        event: 'complete',
        message_id: messageId,
        total_tokens: 3,
        usage: { prompt_tokens: 9, completion_tokens: 3 },
        finish_reason: 'stop',
        citations,
        memories: [],
      },
    ])
    expect(run.texts.join('')).not.toContain('\u2028')
    expect(run.input).toEqual({ model: 'llama3.2:1b', messageId, protocol: 'localchat', history })
    expect((await read(failedId!)).events).toEqual([{ error, event: 'error', message_id: messageId }])
    const gabee = await read(gabeeId!)
    expect(gabee.events).toEqual([{ token: 'Hello' }])
    expect(gabee.input).toEqual({ messageId, protocol: 'gabee' })
  })
})
