import { type Kysely, sql } from 'kysely'

/**
 * Run logs hold canonical events. Answers that were asked through /api/chat had LocalChat's events in their logs, each
 * of which becomes a canonical one with the same number, so that clients can resume across the upgrade.
 * Conditions compare JSON as text, because PostgreSQL cannot read JSON that contains an escaped NUL.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const ofLocalchat = `runs.id = run_events.run_id and runs.kind = 'chat' and runs.input::text like '%"dialect":"localchat"%'`
  const statements = [
    `update run_events set data = '{"token":' || substr(data, length('{"content":') + 1)
      from runs where ${ofLocalchat} and data like '{"content":%'`,
    // The complete event has the sources; an empty token keeps their number.
    `update run_events set data = '{"token":""}'
      from runs where ${ofLocalchat} and data like '{"sources":%'`,
    `update run_events set data = json_build_object(
        'error', data::json -> 'error', 'event', 'error', 'message_id', data::json -> 'message_id'
      )::text
      from runs where ${ofLocalchat} and data like '{"error":%"message_id":%'`,
    // Renderers name the requested model where a log has no start event.
    `update runs set input = ('{"model":' || (data::json -> 'model_used') || ',' || substr(input::text, 2))::json
      from run_events where ${ofLocalchat} and data like '{"done":true,%' and input::text not like '%"model":"%'`,
    `update run_events set data = replace(replace(replace(json_build_object(
        'event', 'complete',
        'message_id', data::json -> 'message_id',
        'total_tokens', data::json -> 'total_tokens',
        'usage', data::json -> 'usage',
        'finish_reason', data::json -> 'finish_reason',
        'citations', coalesce((select citations from messages where messages.run_id = runs.id limit 1), '[]'),
        'memories', '[]'::json
      )::text, chr(133), '\\u0085'), chr(8232), '\\u2028'), chr(8233), '\\u2029')
      from runs where ${ofLocalchat} and data like '{"done":true,%'`,
    `update runs set input = replace(
        replace(input::text, '"dialect":"localchat"', '"protocol":"localchat"'),
        '"dialect":"gabee"', '"protocol":"gabee"'
      )::json
      where kind = 'chat'`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
