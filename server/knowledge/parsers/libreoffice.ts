import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { LegacyOffice } from './content-type.ts'
import { libreOfficeNotInstalled, notConverted } from './errors.ts'
import { type ProgramLimits, runProgram } from './run-program.ts'

/**
 * Converts a file of Office before 2007 to the format that replaced it and returns the path of the result.
 * @throws UnreadableFileError when LibreOffice is not installed or cannot read the file
 */
export type ConvertOffice = (path: string, type: LegacyOffice) => Promise<string>

/** LibreOffice maps more memory than it uses. */
const minMemoryBytes = 4_000_000_000
/** Share of the file's time for the conversion; the rest is for parsing its result. */
const timeShare = 0.8

/** Converts within `folder`, which the caller deletes. `searchPath` has the format of the variable PATH. */
export function libreOffice(
  searchPath: string | undefined,
  folder: string,
  limits: ProgramLimits,
  signal: AbortSignal,
): ConvertOffice {
  return async (path, type) => {
    const { code } = await runProgram(
      [
        'soffice',
        '--headless',
        '--norestore',
        // An instance would end others with the same profile. Macros are off in a new profile.
        `-env:UserInstallation=${pathToFileURL(join(folder, 'profile')).href}`,
        '--convert-to',
        `${type}x`,
        '--outdir',
        folder,
        path,
      ],
      {
        env: { PATH: searchPath, HOME: folder },
        limits: {
          memoryBytes: Math.max(minMemoryBytes, limits.memoryBytes),
          milliseconds: limits.milliseconds * timeShare,
        },
        signal,
      },
    )
    if (code === 'not_installed') throw libreOfficeNotInstalled(type)
    const converted = (await readdir(folder)).find((name) => name.endsWith(`.${type}x`))
    if (converted === undefined) throw notConverted(type)
    return join(folder, converted)
  }
}
