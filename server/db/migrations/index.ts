import type { Migration } from 'kysely/migration'
import { up as foundations } from './001-foundations.ts'
import { up as memory } from './002-memory.ts'
import { up as insight } from './003-insight.ts'
import { up as summaries } from './004-summaries.ts'
import { up as folders } from './005-folders.ts'
import { up as jobs } from './006-jobs.ts'
import { up as memoryJobs } from './007-memory-jobs.ts'
import { up as insightJobs } from './008-insight-jobs.ts'
import { up as integrity } from './010-integrity.ts'
import { up as canonicalEvents } from './011-canonical-events.ts'
import { up as documentSources } from './012-document-sources.ts'
import { up as accountSecurity } from './013-account-security.ts'
import { up as documentAccess } from './014-document-access.ts'
import { up as idempotencyScope } from './015-idempotency-scope.ts'
import { up as deletions } from './016-deletions.ts'
import { up as passwordResets } from './017-password-resets.ts'
import { up as secondFactors } from './018-second-factors.ts'
import { up as trash } from './019-trash.ts'
import { up as pageWords } from './020-page-words.ts'
import { up as oidc } from './021-oidc.ts'
import { up as passkeys } from './022-passkeys.ts'
import { up as apiKeyLimits } from './023-api-key-limits.ts'
import { up as visitors } from './024-visitors.ts'
import { up as modelProviders } from './026-model-providers.ts'
import { up as completions } from './027-completions.ts'
import { up as webhooks } from './028-webhooks.ts'
import { up as shares } from './029-shares.ts'
import { up as embedding } from './030-embedding.ts'
import { up as attachments } from './031-attachments.ts'
import { up as tools } from './032-tools.ts'
import { up as ownTools } from './033-own-tools.ts'
import { up as inlineSections } from './034-inline-sections.ts'
import { up as exampleDialogue } from './035-example-dialogue.ts'
import { up as embeddedVectors } from './036-embedded-vectors.ts'
import { up as pendingTerms } from './037-pending-terms.ts'

/** All migrations by number. A released migration is never edited, renamed or removed. */
export const migrations: Record<string, Migration> = {
  '001-foundations': { up: foundations },
  '002-memory': { up: memory },
  '003-insight': { up: insight },
  '004-summaries': { up: summaries },
  '005-folders': { up: folders },
  '006-jobs': { up: jobs },
  '007-memory-jobs': { up: memoryJobs },
  '008-insight-jobs': { up: insightJobs },
  '010-integrity': { up: integrity },
  '011-canonical-events': { up: canonicalEvents },
  '012-document-sources': { up: documentSources },
  '013-account-security': { up: accountSecurity },
  '014-document-access': { up: documentAccess },
  '015-idempotency-scope': { up: idempotencyScope },
  '016-deletions': { up: deletions },
  '017-password-resets': { up: passwordResets },
  '018-second-factors': { up: secondFactors },
  '019-trash': { up: trash },
  '020-page-words': { up: pageWords },
  '021-oidc': { up: oidc },
  '022-passkeys': { up: passkeys },
  '023-api-key-limits': { up: apiKeyLimits },
  '024-visitors': { up: visitors },
  '026-model-providers': { up: modelProviders },
  '027-completions': { up: completions },
  '028-webhooks': { up: webhooks },
  '029-shares': { up: shares },
  '030-embedding': { up: embedding },
  '031-attachments': { up: attachments },
  '032-tools': { up: tools },
  '033-own-tools': { up: ownTools },
  '034-inline-sections': { up: inlineSections },
  '035-example-dialogue': { up: exampleDialogue },
  '036-embedded-vectors': { up: embeddedVectors },
  '037-pending-terms': { up: pendingTerms },
}
