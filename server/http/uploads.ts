import fastifyMultipart, { type MultipartFile } from '@fastify/multipart'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { defineError } from '../errors.ts'

/** A received form: its files in order and its other fields. */
export type Upload<Staged, Fields> = { files: UploadedFile<Staged>[]; fields: Fields }

/** A received file, or why it was rejected. */
export type UploadedFile<Staged> = { filename: string } & (
  | { staged: Staged }
  | { refused: { code: 'too_large'; message: string } }
)

/** Stores files while they are received. */
export type Staging<Staged extends { bytes: number }> = {
  stage(stream: AsyncIterable<Uint8Array>): Promise<Staged>
  discard(staged: Staged): Promise<void>
}

export type UploadLimits = {
  /** Bytes of one file. */
  maxFileBytes: number
  /** Files in one request. */
  maxFiles: number
}

const fileFields = new Set(['files', 'file'])
const maxFields = 20
const maxFieldBytes = 10_000
const maxNameCharacters = 200

const tooManyFiles = defineError(
  413,
  'too_many_files',
  (max: number) => `An upload can have at most ${max} files. Send the others in another upload.`,
)
const malformedUpload = defineError(400, 'malformed_upload', () => 'The upload is malformed or incomplete.')

/** Makes the routes of `app` accept multipart forms. */
export async function acceptUploads(app: FastifyInstance, limits: UploadLimits): Promise<void> {
  await app.register(fastifyMultipart, {
    throwFileSizeLimit: false,
    limits: {
      fileSize: limits.maxFileBytes,
      files: limits.maxFiles,
      fields: maxFields,
      fieldSize: maxFieldBytes,
      parts: limits.maxFiles + maxFields,
      headerPairs: 100,
    },
  })
}

/**
 * Receives the files of the form fields `files` and `file` as they arrive, one at a time. A file over the limit is
 * rejected, the others are kept. If the request is aborted or fails, all its files are discarded.
 *
 * @param parseFields parses the other fields, which may follow the files, or throws
 * @throws AppError too_many_files, malformed_upload
 */
export async function receiveUpload<Staged extends { bytes: number }, Fields>(
  request: FastifyRequest,
  staging: Staging<Staged>,
  limits: UploadLimits,
  parseFields: (fields: Record<string, string>) => Fields,
): Promise<Upload<Staged, Fields>> {
  const files: UploadedFile<Staged>[] = []
  const fields: Record<string, string> = {}
  try {
    for await (const part of request.parts()) {
      if (part.type === 'field') {
        if (typeof part.value === 'string') fields[part.fieldname] = part.value
      } else if (!fileFields.has(part.fieldname)) {
        part.file.resume()
      } else {
        const file = await receive(part, staging, limits)
        if (file) files.push(file)
      }
    }
    return { files, fields: parseFields(fields) }
  } catch (error) {
    await Promise.all(files.flatMap((file) => ('staged' in file ? [staging.discard(file.staged)] : [])))
    const code = (error as { code?: string }).code ?? ''
    if (code === 'FST_FILES_LIMIT' || code === 'FST_PARTS_LIMIT') throw tooManyFiles(limits.maxFiles)
    if (code.startsWith('FST_') || isParserError(error)) throw malformedUpload()
    throw error
  }
}

async function receive<Staged extends { bytes: number }>(
  part: MultipartFile,
  staging: Staging<Staged>,
  limits: UploadLimits,
): Promise<UploadedFile<Staged> | undefined> {
  const filename = sanitizeFilename(part.filename ?? '')
  const staged = await staging.stage(part.file)
  // The stream of a file over the limit ends there; only this flag shows that the rest is missing.
  if (part.file.truncated) {
    await staging.discard(staged)
    return {
      filename: filename || 'file',
      refused: { code: 'too_large', message: tooLargeMessage(limits.maxFileBytes) },
    }
  }
  // Browsers send this for an empty file field.
  if (filename === '' && staged.bytes === 0) {
    await staging.discard(staged)
    return undefined
  }
  return { filename: filename || 'file', staged }
}

const tooLargeMessage = (maxBytes: number) =>
  `The file is larger than the limit of ${Math.floor(maxBytes / 1024 / 1024) || '1'} MB. MAX_UPLOAD_MB raises the limit.`

/**
 * Recognizes errors of the form parser, which have no codes. Its message calls a boundary that is too long a needle.
 */
const isParserError = (error: unknown) =>
  error instanceof Error &&
  /premature|aborted|unexpected end of|part terminated early|boundary|needle|malformed part/i.test(
    `${error.message} ${(error as { code?: string }).code ?? ''}`,
  )

/**
 * Returns a file name for display: the last part of a path without control and direction characters, shortened to 200
 * characters before its extension. May be empty. The result is shown and stored, never used as a path.
 */
export function sanitizeFilename(name: string): string {
  const base = (name.normalize('NFC').split(/[/\\]/).at(-1) ?? '')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
  if (/^\.*$/.test(base)) return ''
  const characters = [...base]
  if (characters.length <= maxNameCharacters) return base
  const extension = [...(/\.[^.\s]{1,12}$/u.exec(base)?.[0] ?? '')]
  return characters.slice(0, maxNameCharacters - extension.length).join('') + extension.join('')
}
