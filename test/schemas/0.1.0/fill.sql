-- Rows for every table of the schema of release 0.1.0, with the edge cases that a migration has to survive:
-- every value of each check constraint, null and empty values, references to rows that no longer exist where the schema
-- has no foreign key, long and unusual texts. Ids are hashes of what they name.

insert into settings (key, value) values
  ('embedding', '{"model": "nomic-embed-text", "dimensions": 3}'),
  ('empty', '{}');

insert into users (id, email, password_hash, handle, display_name, is_admin, created_at) values
  (md5('ada')::uuid, 'ada@example.org', 'scrypt$1$2$3', 'ada', 'Ada Lovelace', true, '2026-01-01T08:00:00Z'),
  (md5('bob')::uuid, 'bob@example.org', 'scrypt$4$5$6', null, 'Бо́б 🧑🏽‍🚀 "quoted" \ back', false, '2026-01-02T08:00:00Z'),
  (md5('local')::uuid, null, null, null, '', false, '2026-01-03T08:00:00.123456Z');

insert into sessions (id, user_id, token_hash, created_at, expires_at) values
  (md5('session ada')::uuid, md5('ada')::uuid, 'hash-1', '2026-01-01T09:00:00Z', '2036-01-01T09:00:00Z'),
  (md5('session expired')::uuid, md5('bob')::uuid, 'hash-2', '2025-01-01T09:00:00Z', '2025-02-01T09:00:00Z');

insert into avees (id, owner_id, handle, is_library, display_name, bio, persona, persona_notes, greeting, avatar, visibility, model, created_at, updated_at) values
  (md5('babbage')::uuid, md5('ada')::uuid, 'babbage', false, 'Babbage', 'Engines.', 'You are Charles Babbage.', '- Your owner likes: short answers', 'Hello!', 'data:image/png;base64,AA==', 'public', 'llama3', '2026-01-04T08:00:00Z', '2026-02-04T08:00:00Z'),
  (md5('diary')::uuid, md5('ada')::uuid, 'diary', false, 'Diary', '', '', '', '', null, 'private', null, '2026-01-05T08:00:00Z', '2026-01-05T08:00:00Z'),
  (md5('unlisted')::uuid, md5('bob')::uuid, 'unlisted', false, 'Unlisted', repeat('long ', 2000), '', '', '', null, 'unlisted', null, '2026-01-06T08:00:00Z', '2026-01-06T08:00:00Z'),
  (md5('library')::uuid, md5('ada')::uuid, 'ada', true, 'Library', '', '', '', '', null, 'private', null, '2026-01-07T08:00:00Z', '2026-01-07T08:00:00Z');

insert into grants (avee_id, user_id, max_layer, created_at) values
  (md5('babbage')::uuid, md5('bob')::uuid, 'friends', '2026-01-08T08:00:00Z'),
  (md5('diary')::uuid, md5('bob')::uuid, 'intimate', '2026-01-08T08:00:00Z'),
  (md5('diary')::uuid, md5('local')::uuid, 'public', '2026-01-08T08:00:00Z');

insert into follows (avee_id, user_id, created_at) values
  (md5('babbage')::uuid, md5('bob')::uuid, '2026-01-09T08:00:00Z');

insert into api_keys (id, user_id, avee_id, name, prefix, key_hash, created_at, last_used_at, expires_at) values
  (md5('key 1')::uuid, md5('ada')::uuid, null, 'everything', 'gb_1', 'key-hash-1', '2026-01-10T08:00:00Z', null, null),
  (md5('key 2')::uuid, md5('ada')::uuid, md5('babbage')::uuid, '', 'gb_2', 'key-hash-2', '2026-01-10T08:00:00Z', '2026-01-11T08:00:00Z', '2026-12-31T00:00:00Z');

-- Runs in every state; with a NUL and half of a surrogate pair in json; one whose subject no longer exists.
insert into runs (id, kind, user_id, subject, scope, input, status, attempt, last_event, node_id, process_id, lease_until, stop_requested, events_expired, error, idempotency_key, created_at, finished_at) values
  (md5('run complete')::uuid, 'chat', md5('bob')::uuid, md5('conversation 1')::uuid, md5('babbage')::uuid, '{"text": "a\u0000b \ud83d"}', 'complete', 1, 3, 'node', 'process', null, false, false, null, 'key-1', '2026-02-01T08:00:00Z', '2026-02-01T08:00:05Z'),
  (md5('run stopped')::uuid, 'chat', md5('bob')::uuid, md5('conversation 1')::uuid, md5('babbage')::uuid, '{}', 'stopped', 2, 1, 'node', 'process', null, true, false, null, null, '2026-02-01T09:00:00Z', '2026-02-01T09:00:05Z'),
  (md5('run failed')::uuid, 'chat', md5('bob')::uuid, md5('conversation gone')::uuid, null, '{}', 'failed', 6, 1, 'node', 'process', null, false, false, '{"code": "model_away", "message": "The model is away."}', null, '2026-02-01T10:00:00Z', '2026-02-01T10:00:05Z'),
  (md5('run expired')::uuid, 'ingest', md5('ada')::uuid, null, md5('babbage')::uuid, '{"files": []}', 'complete', 1, 40, 'node', 'process', null, false, true, null, 'key-2', '2025-02-01T08:00:00Z', '2025-02-01T08:00:05Z'),
  (md5('run running')::uuid, 'chat', md5('bob')::uuid, md5('conversation 2')::uuid, md5('babbage')::uuid, '{"text": "still running"}', 'running', 1, 1, 'node', 'process', '2026-02-02T08:00:10Z', false, false, null, null, '2026-02-02T08:00:00Z', null),
  (md5('run pull')::uuid, 'pull', md5('ada')::uuid, 'llama3', null, '{"model": "llama3"}', 'running', 1, 0, null, null, null, false, false, null, null, '2026-02-02T09:00:00Z', null);

insert into run_events (run_id, n, data) values
  (md5('run complete')::uuid, 1, '{"event":"start"}'),
  (md5('run complete')::uuid, 2, '{"token":"\u0000 \u2028 ünïcode"}'),
  (md5('run complete')::uuid, 3, '{"event":"complete"}'),
  (md5('run stopped')::uuid, 1, '{"event":"stopped"}'),
  (md5('run failed')::uuid, 1, '{"error":{"code":"model_away","message":"The model is away."}}'),
  (md5('run running')::uuid, 1, '{"token":"first"}');

-- leaf_id: of a message, of none, and of a message that no longer exists.
insert into conversations (id, avee_id, user_id, title, title_by, layer_used, leaf_id, pinned, archived, created_at, updated_at) values
  (md5('conversation 1')::uuid, md5('babbage')::uuid, md5('bob')::uuid, 'Engines', 'user', 'public', md5('answer 2')::uuid, true, false, '2026-02-01T08:00:00Z', '2026-02-01T10:00:00Z'),
  (md5('conversation 2')::uuid, md5('babbage')::uuid, md5('bob')::uuid, null, 'auto', 'friends', md5('message gone')::uuid, false, false, '2026-02-02T08:00:00Z', '2026-02-02T08:00:00Z'),
  (md5('conversation 3')::uuid, md5('diary')::uuid, md5('ada')::uuid, '', 'auto', 'intimate', null, false, true, '2026-02-03T08:00:00Z', '2026-02-03T08:00:00Z');

insert into messages (id, conversation_id, parent_id, role, content, status, layer_used, model, model_reason, finish_reason, citations, usage, error, run_id, created_at) values
  (md5('question 1')::uuid, md5('conversation 1')::uuid, null, 'user', 'How does the engine work?', 'complete', 'public', null, null, null, '[]', null, null, null, '2026-02-01T08:00:00Z'),
  (md5('answer 1')::uuid, md5('conversation 1')::uuid, md5('question 1')::uuid, 'assistant', 'With gears [1].', 'complete', 'friends', 'llama3', 'default', 'stop', '[{"n": 1, "document_id": "00000000-0000-0000-0000-000000000000"}]', '{"prompt_tokens": 10, "completion_tokens": 4}', null, md5('run complete')::uuid, '2026-02-01T08:00:01Z'),
  (md5('question 2')::uuid, md5('conversation 1')::uuid, md5('answer 1')::uuid, 'user', E'Two\nlines\ttab', 'complete', 'intimate', null, null, null, '[]', null, null, null, '2026-02-01T09:00:00Z'),
  (md5('answer 2')::uuid, md5('conversation 1')::uuid, md5('question 2')::uuid, 'assistant', '', 'stopped', 'public', null, null, null, '[]', null, null, md5('run stopped')::uuid, '2026-02-01T09:00:01Z'),
  (md5('answer 2b')::uuid, md5('conversation 1')::uuid, md5('question 2')::uuid, 'assistant', 'Half', 'failed', 'public', 'llama3', null, null, '[]', null, '{"code": "model_away", "message": "The model is away."}', md5('run failed')::uuid, '2026-02-01T10:00:01Z'),
  (md5('question 3')::uuid, md5('conversation 2')::uuid, null, 'user', repeat('A long question. ', 3000), 'complete', 'public', null, null, null, '[]', null, null, null, '2026-02-02T08:00:00Z'),
  (md5('answer 3')::uuid, md5('conversation 2')::uuid, md5('question 3')::uuid, 'assistant', '', 'streaming', 'public', null, null, null, '[]', null, null, md5('run running')::uuid, '2026-02-02T08:00:01Z'),
  (md5('diary 1')::uuid, md5('conversation 3')::uuid, null, 'user', 'My password is in the drawer.', 'complete', 'intimate', null, null, null, '[]', null, null, null, '2026-02-03T08:00:00Z'),
  (md5('diary 2')::uuid, md5('conversation 3')::uuid, md5('diary 1')::uuid, 'assistant', 'I see.', 'complete', 'intimate', 'llama3', null, 'length', '[]', null, null, null, '2026-02-03T08:00:01Z');

-- A document with a live and a retired version; a version under construction for a document that does not exist yet;
-- a retired version of a document that was deleted.
insert into document_versions (id, document_id, avee_id, state, run_id, file) overriding system value values
  (1, md5('document 1')::uuid, md5('babbage')::uuid, 'live', null, null),
  (2, md5('document 1')::uuid, md5('babbage')::uuid, 'retired', null, null),
  (3, md5('document new')::uuid, md5('babbage')::uuid, 'building', md5('run pull')::uuid, 0),
  (4, md5('document gone')::uuid, md5('babbage')::uuid, 'retired', null, null),
  (5, md5('document 2')::uuid, md5('diary')::uuid, 'live', null, null),
  (6, md5('document 3')::uuid, md5('diary')::uuid, 'live', null, null),
  (7, md5('document 4')::uuid, md5('babbage')::uuid, 'live', null, null);
select setval(pg_get_serial_sequence('document_versions', 'id'), 7);

insert into documents (id, avee_id, version, layer, title, filename, type, source, source_url, sha256, bytes, pages, passages, language, embedded_by, created_at, updated_at) values
  (md5('document 1')::uuid, md5('babbage')::uuid, 1, 'public', 'On engines', 'engines.pdf', 'pdf', 'upload', null, 'sha-1', 123456789012, 2, 2, 'eng', 'nomic-embed-text', '2026-01-20T08:00:00Z', '2026-01-21T08:00:00Z'),
  (md5('document 2')::uuid, md5('diary')::uuid, 5, 'intimate', '', null, 'text', 'text', null, 'sha-2', 0, 0, 0, null, null, '2026-01-22T08:00:00Z', '2026-01-22T08:00:00Z'),
  (md5('document 3')::uuid, md5('diary')::uuid, 6, 'friends', 'Page', null, 'html', 'url', 'https://example.org/?q=ü', 'sha-3', 10, 1, 1, 'deu', null, '2026-01-23T08:00:00Z', '2026-01-23T08:00:00Z'),
  (md5('document 4')::uuid, md5('babbage')::uuid, 7, 'public', 'From a folder', 'note.md', 'md', 'folder', null, 'sha-4', 10, 1, 0, null, null, '2026-01-24T08:00:00Z', '2026-01-24T08:00:00Z');

insert into document_pages (version, page, text) values
  (1, 1, 'The engine has gears.'), (1, 2, ''), (2, 1, 'An older text.'), (6, 1, 'Eine Seite.');

insert into passages (id, version, document_id, avee_id, layer, n, page, section, start_offset, end_offset, heading, text, terms, lex) overriding system value values
  (1, 1, md5('document 1')::uuid, md5('babbage')::uuid, 'public', 0, 1, 0, 0, 21, 'Engines', 'The engine has gears.', '{1,2,-2147483648}', '{1:0.5,2:0.25}/1000000000'),
  (2, 1, md5('document 1')::uuid, md5('babbage')::uuid, 'public', 1, null, 0, 21, 21, null, '', '{}', '{}/1000000000'),
  (3, 2, md5('document 1')::uuid, md5('babbage')::uuid, 'friends', 0, 1, 0, 0, 14, null, 'An older text.', '{3}', '{3:1}/1000000000'),
  (4, 3, md5('document new')::uuid, md5('babbage')::uuid, 'public', 0, 1, 0, 0, 4, null, 'Half', '{4}', '{4:1}/1000000000'),
  (5, 6, md5('document 3')::uuid, md5('diary')::uuid, 'intimate', 0, 1, 0, 0, 11, null, 'Eine Seite.', '{5}', '{5:1}/1000000000');
select setval(pg_get_serial_sequence('passages', 'id'), 5);

insert into document_sections (version, section, lex) values
  (1, 0, '{1:0.5,2:0.25}/1000000000'), (6, 0, '{}/1000000000');

insert into passage_terms (avee_id, term, layer, word, passages) values
  (md5('babbage')::uuid, 1, 'public', 'engine', 1),
  (md5('babbage')::uuid, 3, 'friends', 'older', 1),
  (md5('diary')::uuid, 5, 'intimate', 'seite', 1);

insert into passage_vectors (passage_id, version, avee_id, layer, model, embedding) values
  (1, 1, md5('babbage')::uuid, 'public', 'nomic-embed-text', '[0.1,0.2,0.3]'),
  (1, 1, md5('babbage')::uuid, 'public', 'other-model', '[1,0]'),
  (3, 2, md5('babbage')::uuid, 'friends', 'nomic-embed-text', '[0,0,1]'),
  (5, 6, md5('diary')::uuid, 'intimate', 'nomic-embed-text', '[0,1,0]');

insert into ingest_files (run_id, file, sha256) values (md5('run pull')::uuid, 0, 'sha-new');

insert into folders (id, avee_id, path, layer, looked_at, problem, created_at) values
  (md5('folder 1')::uuid, md5('babbage')::uuid, '/home/ada/notes', 'public', '2026-01-24T09:00:00Z', null, '2026-01-24T08:00:00Z'),
  (md5('folder 2')::uuid, md5('diary')::uuid, '/gone', 'intimate', null, 'This folder does not exist.', '2026-01-24T08:00:00Z');

insert into folder_files (folder_id, path, bytes, modified_ms, document_id, problem) values
  (md5('folder 1')::uuid, 'note.md', 10, 1769000000000, md5('document 4')::uuid, null),
  (md5('folder 1')::uuid, 'broken.pdf', 9000000000, 1769000000001, null, 'This file could not be read.');

insert into memories (id, avee_id, user_id, type, content, subject, attribute, value, confidence, importance, layer, local_only, pinned, edited, language, terms, valid_from, valid_until, superseded_by, confirmations, last_confirmed_at, forgotten_at, created_at, updated_at) values
  (md5('memory new')::uuid, md5('babbage')::uuid, md5('bob')::uuid, 'fact', 'Lives in Turin.', 'user', 'home', 'turin', 0.9, 0.5, 'public', false, true, true, 'eng', '{1,2}', '2026-02-01T00:00:00Z', null, null, 3, '2026-02-01T08:00:00Z', null, '2026-02-01T08:00:00Z', '2026-02-01T08:00:00Z'),
  (md5('memory old')::uuid, md5('babbage')::uuid, md5('bob')::uuid, 'preference', 'Lived in Rome.', 'user', 'home', 'rome', 0, 1, 'friends', true, false, false, null, '{}', null, '2026-02-01T00:00:00Z', md5('memory new')::uuid, 1, '2026-01-01T08:00:00Z', null, '2026-01-01T08:00:00Z', '2026-01-01T08:00:00Z'),
  (md5('memory forgotten')::uuid, md5('diary')::uuid, md5('ada')::uuid, 'relationship', 'Her sister is Eve.', 'eve', 'relation', 'sister', 1, 0, 'intimate', false, false, false, 'eng', '{7}', null, null, null, 1, '2026-01-01T08:00:00Z', '2026-01-15T08:00:00Z', '2026-01-01T08:00:00Z', '2026-01-15T08:00:00Z'),
  (md5('memory event')::uuid, md5('diary')::uuid, md5('ada')::uuid, 'event', 'Travels in May.', 'user', 'travel', 'may', 0.5, 0.5, 'intimate', false, false, false, 'eng', '{8}', '2026-05-01T00:00:00Z', '2026-05-31T00:00:00Z', null, 1, '2026-01-01T08:00:00Z', null, '2026-01-01T08:00:00Z', '2026-01-01T08:00:00Z');

insert into memory_sources (memory_id, message_id, start_offset, end_offset) values
  (md5('memory new')::uuid, md5('question 1')::uuid, 0, 25),
  (md5('memory forgotten')::uuid, md5('diary 1')::uuid, 0, 5);

insert into memory_vectors (memory_id, model, remote, embedding) values
  (md5('memory new')::uuid, 'nomic-embed-text', false, '[0.1,0.2,0.3]'),
  (md5('memory new')::uuid, 'remote-model', true, '[1,0]');

insert into memory_uses (message_id, memory_id) values (md5('answer 1')::uuid, md5('memory new')::uuid);

-- Turns done, waiting, claimed, and given up.
insert into memory_turns (message_id, answer_id, conversation_id, avee_id, user_id, layer, learns, attempts, claimed_until, created_at, done_at) values
  (md5('question 1')::uuid, md5('answer 1')::uuid, md5('conversation 1')::uuid, md5('babbage')::uuid, md5('bob')::uuid, 'public', true, 1, null, '2026-02-01T08:00:05Z', '2026-02-01T08:01:00Z'),
  (md5('question 2')::uuid, md5('answer 2')::uuid, md5('conversation 1')::uuid, md5('babbage')::uuid, md5('bob')::uuid, 'friends', true, 0, null, '2026-02-01T09:00:05Z', null),
  (md5('diary 1')::uuid, md5('diary 2')::uuid, md5('conversation 3')::uuid, md5('diary')::uuid, md5('ada')::uuid, 'intimate', false, 3, '2026-02-03T08:10:00Z', '2026-02-03T08:00:05Z', null);

insert into turn_index (message_id, conversation_id, avee_id, user_id, layer, language, terms, lex) values
  (md5('question 1')::uuid, md5('conversation 1')::uuid, md5('babbage')::uuid, md5('bob')::uuid, 'public', 'eng', '{1,2}', '{1:1}/1000000000'),
  (md5('diary 1')::uuid, md5('conversation 3')::uuid, md5('diary')::uuid, md5('ada')::uuid, 'intimate', null, '{}', '{}/1000000000');

insert into turn_vectors (message_id, model, embedding) values (md5('question 1')::uuid, 'nomic-embed-text', '[0.1,0.2,0.3]');

insert into memory_settings (user_id, avee_id, enabled) values
  (md5('ada')::uuid, null, true), (md5('bob')::uuid, md5('babbage')::uuid, false);

insert into turn_insights (message_id, question_id, conversation_id, avee_id, user_id, layer, step, attempts, due_at, response_ms, may_share, relevance, engagement, grounding, answered, measured_by, issues, suggestions, sentences, topics, follow_ups, documents, created_at) values
  (md5('answer 1')::uuid, md5('question 1')::uuid, md5('conversation 1')::uuid, md5('babbage')::uuid, md5('bob')::uuid, 'public', 'done', 1, '2026-02-01T08:00:05Z', 1200, true, 0.8, 0.4, 1, true, 'formula', '[]', '["Add a document."]', '[{"text": "With gears [1].", "support": 0.9, "citation": 1, "supported": true}]', '[{"key": "engine", "text": "Engine", "weight": 1}]', '["And the mill?"]', array[md5('document 1')::uuid, md5('document gone')::uuid], '2026-02-01T08:00:05Z'),
  (md5('answer 2')::uuid, md5('question 2')::uuid, md5('conversation 1')::uuid, md5('babbage')::uuid, md5('bob')::uuid, 'friends', 'measure', 0, '2026-02-01T09:00:05Z', null, false, null, null, null, true, null, '[]', '[]', '[]', '[]', '[]', '{}', '2026-02-01T09:00:05Z'),
  (md5('answer 2b')::uuid, md5('question 2')::uuid, md5('conversation 1')::uuid, md5('babbage')::uuid, md5('bob')::uuid, 'public', 'ask_model', 2, '2026-02-01T10:00:05Z', 10, false, 0, 0, 0, false, 'formula', '["no_passage"]', '[]', '[]', '[]', '[]', '{}', '2026-02-01T10:00:05Z'),
  (md5('diary 2')::uuid, md5('diary 1')::uuid, md5('conversation 3')::uuid, md5('diary')::uuid, md5('ada')::uuid, 'intimate', 'failed', 5, '2026-02-03T08:00:05Z', 10, false, null, null, null, true, null, '[]', '[]', '[]', '[]', '[]', '{}', '2026-02-03T08:00:05Z');

insert into message_feedback (message_id, user_id, vote, note, updated_at) values
  (md5('answer 1')::uuid, md5('bob')::uuid, 'up', '', '2026-02-01T08:10:00Z'),
  (md5('answer 2b')::uuid, md5('bob')::uuid, 'down', 'Too short.', '2026-02-01T10:10:00Z');

insert into avee_sharing (avee_id, share_unanswered, allow_pass_on) values
  (md5('babbage')::uuid, true, true), (md5('diary')::uuid, false, false);

insert into sharing_choices (avee_id, user_id, share, told_at) values
  (md5('babbage')::uuid, md5('bob')::uuid, true, '2026-02-01T08:00:00Z'),
  (md5('babbage')::uuid, md5('local')::uuid, false, '2026-02-01T08:00:00Z');

-- Answered by a document that exists, by one that was deleted, and by none.
insert into question_groups (id, avee_id, state, document_id, created_at) values
  (md5('group open')::uuid, md5('babbage')::uuid, 'open', null, '2026-02-01T10:00:05Z'),
  (md5('group answered')::uuid, md5('babbage')::uuid, 'answered', md5('document 1')::uuid, '2026-02-01T10:00:05Z'),
  (md5('group gone')::uuid, md5('babbage')::uuid, 'answered', md5('document gone')::uuid, '2026-02-01T10:00:05Z'),
  (md5('group dismissed')::uuid, md5('diary')::uuid, 'dismissed', null, '2026-02-01T10:00:05Z');

insert into unanswered_questions (message_id, group_id, avee_id, conversation_id, user_id, layer, reason, shared, terms, note, passed_on_at, reply_id, created_at) values
  (md5('question 2')::uuid, md5('group open')::uuid, md5('babbage')::uuid, md5('conversation 1')::uuid, md5('bob')::uuid, 'public', 'no_passage', true, '{lines,tab}', '', null, null, '2026-02-01T10:00:05Z'),
  (md5('question 1')::uuid, md5('group answered')::uuid, md5('babbage')::uuid, md5('conversation 1')::uuid, md5('bob')::uuid, 'friends', 'passed_on', true, '{}', 'Please answer.', '2026-02-01T11:00:00Z', md5('answer 1')::uuid, '2026-02-01T10:00:05Z'),
  (md5('diary 1')::uuid, md5('group dismissed')::uuid, md5('diary')::uuid, md5('conversation 3')::uuid, md5('ada')::uuid, 'intimate', 'said_so', false, '{}', '', null, null, '2026-02-01T10:00:05Z');

-- Indexed as a document, not indexed yet, and indexed as a document that was deleted.
insert into avee_updates (id, avee_id, layer, title, text, document_id, indexed_at, due_at, created_at, updated_at) values
  (md5('update 1')::uuid, md5('babbage')::uuid, 'public', 'News', 'The mill turns.', md5('document 4')::uuid, '2026-02-05T08:00:10Z', '2026-02-05T08:00:00Z', '2026-02-05T08:00:00Z', '2026-02-05T08:00:00Z'),
  (md5('update 2')::uuid, md5('babbage')::uuid, 'friends', '', 'Waiting.', null, null, '2026-02-06T08:00:00Z', '2026-02-06T08:00:00Z', '2026-02-06T08:00:00Z'),
  (md5('update 3')::uuid, md5('diary')::uuid, 'intimate', '', 'Its document is gone.', md5('document gone')::uuid, '2026-02-07T08:00:10Z', '2026-02-07T08:00:00Z', '2026-02-07T08:00:00Z', '2026-02-07T08:00:00Z');

insert into conversation_summaries (message_id, conversation_id, layer, content, made_by, created_at) values
  (md5('answer 1')::uuid, md5('conversation 1')::uuid, 'friends', 'They talked about engines.', 'llama3', '2026-02-01T08:30:00Z'),
  (md5('diary 2')::uuid, md5('conversation 3')::uuid, 'intimate', '', 'sentences', '2026-02-03T08:30:00Z');
