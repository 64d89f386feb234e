import * as z from 'zod/mini'
import { content, operation } from './operation.ts'

export const exportData = operation({
  method: 'GET',
  path: '/me/export',
  tags: ['accounts'],
  summary: 'Export all data of the caller',
  description:
    'A ZIP archive with the account, the avees, the original files of their documents, the conversations as JSON and Markdown, the kept responses of `POST /v1/responses`, and the memories. It contains what the caller may read now.',
  audit: 'account.export',
  responses: { 200: content({ 'application/zip': z.unknown() }) },
})
