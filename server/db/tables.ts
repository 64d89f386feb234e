import type { ColumnType, Generated, JSONColumnType, Selectable } from 'kysely'
import type { QuestionState } from '../../contract/avee-insight.ts'
import type { Visibility } from '../../contract/avees.ts'
import type { Vote } from '../../contract/insight.ts'
import type { Layer } from '../../contract/layers.ts'
import type { MemoryType } from '../../contract/memory.ts'
import type { AnswerDetails, CitedPassage, MessageStatus, Usage } from '../../contract/messages.ts'
import type { ConfiguredModel, Prices, ProviderKind } from '../../contract/models.ts'
import type { Scope } from '../../contract/operation.ts'
import type { Failure, RunStatus } from '../../contract/runs.ts'
import type { ToolCall, ToolKind, ToolName } from '../../contract/tools.ts'
import type { WebhookEvent } from '../../contract/webhooks.ts'

type Json<T> = JSONColumnType<NonNullable<T> & object> | (null extends T ? null : never)
type CreatedAt = ColumnType<Date, never, never>
type Stamp = ColumnType<Date, Date | string | undefined, Date | string>
/** int8, which the driver returns as text. */
type BigIntText = ColumnType<string, number | bigint, number | bigint>

export type ChallengePurpose = 'second_factor' | 'oidc' | 'passkey_creation' | 'passkey_request'
/** The data of a sign-in at an OIDC provider that is needed when the browser returns. */
type OidcChallenge = {
  verifier: string
  nonce: string
  next?: string | undefined
  invitation?: string | undefined
}

type Avees = {
  id: string
  owner_id: string
  handle: string
  is_library: Generated<boolean>
  display_name: string
  bio: Generated<string>
  persona: Generated<string>
  persona_notes: Generated<string>
  example_dialogue: Generated<string>
  greeting: Generated<string>
  avatar: string | null
  visibility: Generated<Visibility>
  model: string | null
  /** Whether visitors without an account may use it while it is public. */
  anonymous: Generated<boolean>
  example_questions: Generated<string[]>
  tools: Generated<ToolName[]>
  /** Origins of websites that may show it in a frame. */
  embed_origins: Generated<string[]>
  local_only: Generated<boolean>
  created_at: CreatedAt
  updated_at: Stamp
  /** Set in a hidden avee, which holds the attachments of this conversation and has its id. */
  conversation_id: string | null
}

type Conversations = {
  id: string
  avee_id: string
  user_id: string
  title: string | null
  title_by: Generated<'auto' | 'user'>
  layer_used: Layer
  leaf_id: string | null
  pinned: Generated<boolean>
  archived: Generated<boolean>
  created_at: Stamp
  updated_at: Stamp
  /** Set in the trash. */
  deletion_id: string | null
  /** Whether only models in the private network may read it. */
  local_only: Generated<boolean>
}

type Documents = {
  id: string
  avee_id: string
  version: string
  layer: Layer
  title: string
  filename: string | null
  type: string
  source: 'upload' | 'text' | 'url' | 'folder'
  source_url: string | null
  sha256: string
  bytes: BigIntText
  pages: Generated<number>
  passages: Generated<number>
  language: string | null
  /** The vector space in which every passage has a vector. */
  embedded_by: string | null
  created_at: CreatedAt
  updated_at: Stamp
  /** Set in the trash. */
  deletion_id: string | null
}

/** All tables. Only the store of the owning module writes a table. */
/** A function of a tool that an owner has added. */
export type ToolFunction = {
  name: string
  description: string
  /** The JSON schema of its arguments, an object. */
  parameters: Record<string, unknown>
  read_only: boolean
  /** How a function of an OpenAPI description is called. */
  request?: {
    method: string
    /** The URL with the path of the server and placeholders of the variables. */
    url: string
    path: string[]
    query: string[]
    header?: string[]
    /** How arrays and objects in the query are written, if not as a field per element. */
    styles?: Record<string, 'csv' | 'pipes' | 'spaces' | 'deep' | 'json'>
    body: string | null
    /** The media type of the body, if it is not application/json. */
    media?: string
  }
}

export type Tables = {
  settings: { key: string; value: JSONColumnType<object> }
  model_providers: {
    id: string
    name: string
    kind: Exclude<ProviderKind, 'in_process'>
    base_url: string
    /** The API key and the headers, encrypted. */
    secrets: string | null
    /** The last characters of the API key. */
    key_hint: string | null
    models: ColumnType<ConfiguredModel[], string, string>
    max_parallel: number | null
    prices: ColumnType<Prices, string, string>
    created_at: CreatedAt
    updated_at: Stamp
  }
  users: {
    id: string
    email: string | null
    password_hash: string | null
    handle: string | null
    display_name: string
    is_admin: Generated<boolean>
    disabled_at: Stamp | null
    /** The only avee that a visitor without an account sees. */
    visited_avee_id: string | null
    created_at: CreatedAt
  }
  sessions: {
    id: string
    user_id: string
    token_hash: string
    address: string | null
    user_agent: string | null
    created_at: CreatedAt
    last_used_at: Stamp
    expires_at: Stamp
  }
  invitations: {
    id: string
    created_by: string
    email: string | null
    token_hash: string
    created_at: CreatedAt
    expires_at: Stamp
  }
  deletions: {
    id: string
    user_id: string | null
    counts: JSONColumnType<Record<string, number>>
    /** Deleted documents that remaining answers may quote. */
    documents: Generated<string[]>
    created_at: CreatedAt
    /** Set while the deleted objects are in the trash. */
    restorable_until: Stamp | null
    /** When rows, files and quotations were deleted; the database files may still contain the rows. */
    cleaned_at: Stamp | null
    purged_at: Stamp | null
  }
  password_resets: { user_id: string; token_hash: string; expires_at: Stamp }
  totp_secrets: {
    user_id: string
    /** Encrypted. */
    secret: string
    /** Null until the user has entered a first code. */
    confirmed_at: Stamp | null
    /** The time step of the last accepted code; no code of it or of an earlier one is accepted again. */
    last_step: BigIntText | null
  }
  recovery_codes: { user_id: string; code_hash: string }
  passkeys: {
    id: string
    user_id: string
    name: string
    /** Base64url, as the browser sends it. */
    credential_id: string
    /** COSE key in base64url. */
    public_key: string
    /** The signature counter of the last use; 0 if the passkey has none. */
    counter: BigIntText
    transports: string[]
    created_at: CreatedAt
    last_used_at: Stamp | null
  }
  /** Steps of a sign-in or of adding a factor that wait for the user's next request. */
  challenges: {
    token_hash: string
    purpose: ChallengePurpose
    /** Null before the person is identified. */
    user_id: string | null
    data: Json<OidcChallenge | null>
    expires_at: Stamp
  }
  user_identities: { issuer: string; subject: string; user_id: string; created_at: CreatedAt }
  audit_log: {
    id: string
    at: CreatedAt
    actor_id: string | null
    action: string
    target: string | null
    address: string | null
  }
  api_keys: {
    id: string
    user_id: string
    avee_id: string | null
    name: string
    prefix: string
    key_hash: string
    scopes: ColumnType<Scope[], Scope[] | undefined, never>
    requests_per_minute: number | null
    created_at: CreatedAt
    last_used_at: Stamp | null
    expires_at: Stamp | null
  }
  all_avees: Avees
  /** A view without the hidden avees of attachments; foreign keys refer to the table. */
  avees: Avees
  shares: {
    id: string
    conversation_id: string
    /** The end of the branch that is shared. */
    leaf_id: string
    title: string | null
    token_hash: string
    created_at: CreatedAt
    expires_at: Stamp | null
  }
  grants: { avee_id: string; user_id: string; max_layer: Layer; created_at: CreatedAt }
  follows: { avee_id: string; user_id: string; created_at: CreatedAt }
  runs: {
    id: string
    kind: string
    user_id: string
    subject: string | null
    scope: string | null
    input: JSONColumnType<object>
    status: Generated<RunStatus>
    attempt: Generated<number>
    last_event: Generated<number>
    node_id: string | null
    process_id: string | null
    lease_until: Stamp | null
    stop_requested: Generated<boolean>
    events_expired: Generated<boolean>
    error: Json<Failure | null>
    idempotency_key: string | null
    created_at: CreatedAt
    finished_at: Stamp | null
  }
  jobs: {
    id: string
    kind: string
    key: string | null
    input: JSONColumnType<object>
    state: Generated<'pending' | 'running' | 'dead'>
    priority: number
    due_at: Stamp
    latest_due_at: Stamp | null
    version: Generated<number>
    claims: Generated<number>
    lease_until: Stamp | null
    failures: Generated<number>
    error: string | null
    failed_at: Stamp | null
    created_at: CreatedAt
  }
  run_events: { run_id: string; n: number; data: string }
  /** The custom tools of avees. */
  own_tools: {
    id: string
    avee_id: string
    kind: ToolKind
    name: string
    url: string | null
    /** The headers, encrypted. */
    secrets: string | null
    command: string | null
    args: string[]
    functions: ColumnType<ToolFunction[], string, string>
    /** The names of the functions to offer; null for all. */
    operations: string[] | null
    enabled: Generated<boolean>
    shared: boolean
    last_error: string | null
    created_at: CreatedAt
  }
  /** Tool calls that wait for the approval of the asker; `approved` is null until the decision. */
  tool_approvals: { run_id: string; call_id: string; approved: boolean | null }
  all_conversations: Conversations
  /** A view of the rows that are not in the trash; foreign keys refer to the table. */
  conversations: Conversations
  messages: {
    id: string
    seq: ColumnType<string, never, never>
    conversation_id: string
    parent_id: string | null
    role: 'user' | 'assistant'
    content: string
    status: MessageStatus
    layer_used: Layer
    model: string | null
    model_reason: string | null
    finish_reason: string | null
    citations: ColumnType<CitedPassage[], string | undefined, string>
    /** The documents whose passages were in the prompt. */
    documents: Generated<string[]>
    /** The attachments of a question. */
    attachments: Generated<string[]>
    usage: Json<Usage | null>
    error: Json<Failure | null>
    tool_calls: ColumnType<ToolCall[], string | undefined, string>
    reasoning: string | null
    details: Json<AnswerDetails | null>
    run_id: string | null
    created_at: Stamp
  }
  /** Answers that are not part of a conversation. */
  completions: {
    run_id: string
    /** The completion that this one continues. */
    previous_id: string | null
    /** Whether later requests may continue it. */
    is_kept: boolean
    /** Deleted at the end unless the completion is kept. */
    request: ColumnType<object | null, string, null>
    /** Null unless the completion is kept. */
    content: string | null
    model: string | null
    usage: Json<Usage | null>
    /** Null for an answer of a plain model. */
    layer_used: Layer | null
    citations: ColumnType<CitedPassage[], string | undefined, string>
    /** The documents whose passages were in the prompt. */
    documents: Generated<string[]>
  }
  document_versions: {
    id: ColumnType<string, never, never>
    avee_id: string
    state: 'building' | 'live' | 'retired'
    run_id: string | null
    file: number | null
  }
  all_documents: Documents
  /** A view of the rows that are not in the trash; foreign keys refer to the table. */
  documents: Documents
  folders: {
    id: string
    avee_id: string
    path: string
    layer: Layer
    looked_at: Stamp | null
    problem: string | null
    created_at: CreatedAt
  }
  folder_files: {
    folder_id: string
    path: string
    bytes: BigIntText
    modified_ms: BigIntText
    document_id: string | null
    problem: string | null
  }
  document_pages: {
    version: string
    page: number
    text: string
    /** The recognized words of a scanned page, with their positions on its image. */
    words: Json<{ text: string; left: number; top: number; width: number; height: number }[] | null>
  }
  passages: {
    id: ColumnType<string, never, never>
    version: string
    avee_id: string
    layer: Layer
    n: number
    page: number | null
    section: number
    start_offset: number
    end_offset: number
    heading: string | null
    text: string
    terms: number[]
    lex: string
  }
  document_sections: { version: string; section: number; lex: string }
  passage_terms: { avee_id: string; term: number; layer: Layer; word: string; passages: number }
  passage_vectors: {
    passage_id: string
    version: string
    avee_id: string
    model: string
    embedding: string
  }
  ingest_files: { run_id: string; file: number; sha256: string }
  memories: {
    id: string
    avee_id: string
    user_id: string
    type: MemoryType
    content: string
    subject: string
    attribute: string
    value: string
    confidence: number
    importance: number
    layer: Layer
    local_only: Generated<boolean>
    pinned: Generated<boolean>
    edited: Generated<boolean>
    language: string | null
    terms: number[]
    valid_from: Stamp | null
    valid_until: Stamp | null
    superseded_by: string | null
    confirmations: Generated<number>
    last_confirmed_at: Stamp
    /** Set in the trash. */
    deletion_id: string | null
    created_at: Stamp
    updated_at: Stamp
  }
  memory_sources: { memory_id: string; message_id: string; start_offset: number; end_offset: number }
  memory_vectors: { memory_id: string; model: string; remote: boolean; embedding: string }
  memory_uses: { message_id: string; memory_id: string }
  turn_index: {
    message_id: string
    conversation_id: string
    avee_id: string
    user_id: string
    layer: Layer
    language: string | null
    terms: number[]
    lex: string
    awaits_extraction: Generated<boolean>
  }
  turn_vectors: { message_id: string; model: string; embedding: string }
  memory_settings: { user_id: string; avee_id: string | null; enabled: boolean }
  conversation_summaries: {
    /** The last message that it covers. */
    message_id: string
    conversation_id: string
    layer: Layer
    content: string
    /** `sentences`, or the name of the model that wrote it. */
    made_by: string
    /** The sources of the summarized answers. */
    documents: Generated<string[]>
    created_at: CreatedAt
  }
  turn_insights: {
    message_id: string
    question_id: string
    conversation_id: string
    avee_id: string
    user_id: string
    layer: Layer
    response_ms: number | null
    may_share: Generated<boolean>
    relevance: number | null
    engagement: number | null
    grounding: number | null
    answered: Generated<boolean>
    measured_by: string | null
    issues: ColumnType<string[], string | undefined, string>
    suggestions: ColumnType<string[], string | undefined, string>
    sentences: ColumnType<
      { text: string; support: number; citation: number | null; supported: boolean }[],
      string | undefined,
      string
    >
    topics: ColumnType<{ key: string; text: string; weight: number }[], string | undefined, string>
    follow_ups: ColumnType<string[], string | undefined, string>
    documents: Generated<string[]>
    /** The documents that topics, findings and follow-ups come from. */
    sources: Generated<string[]>
    created_at: CreatedAt
  }
  message_feedback: {
    message_id: string
    user_id: string
    vote: Vote
    note: Generated<string>
    updated_at: Stamp
  }
  avee_sharing: { avee_id: string; share_unanswered: Generated<boolean>; allow_pass_on: Generated<boolean> }
  sharing_choices: { avee_id: string; user_id: string; share: boolean; told_at: CreatedAt }
  question_groups: {
    id: string
    avee_id: string
    state: Generated<QuestionState>
    document_id: string | null
    created_at: CreatedAt
  }
  unanswered_questions: {
    message_id: string
    group_id: string
    avee_id: string
    conversation_id: string
    user_id: string
    layer: Layer
    reason: 'no_passage' | 'said_so' | 'passed_on'
    shared: boolean
    terms: string[]
    note: Generated<string>
    passed_on_at: Stamp | null
    reply_id: string | null
    created_at: CreatedAt
  }
  avee_updates: {
    id: string
    avee_id: string
    layer: Layer
    title: Generated<string>
    text: string
    document_id: string | null
    created_at: CreatedAt
    updated_at: Stamp
  }
  webhooks: {
    id: string
    avee_id: string
    url: string
    events: WebhookEvent[]
    /** Encrypted. */
    secret: string
    created_at: CreatedAt
  }
  webhook_deliveries: {
    id: string
    webhook_id: string
    event: WebhookEvent
    /** The id of the run or the message of the event. */
    subject: string
    data: JSONColumnType<object>
    status: Generated<'pending' | 'delivered' | 'failed'>
    attempts: Generated<number>
    response_status: number | null
    error: string | null
    created_at: CreatedAt
    finished_at: Stamp | null
  }
}

export type Row<Table extends keyof Tables> = Selectable<Tables[Table]>
