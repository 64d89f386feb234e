import { message } from '../languages/index.ts'

/** The extensions offered by the file picker. The server decides what it accepts. */
export const acceptedExtensions =
  '.pdf,.docx,.pptx,.xlsx,.doc,.ppt,.xls,.odt,.ods,.odp,.rtf,.epub,.md,.markdown,.txt,.text,.html,.htm,.csv,.tsv,.json,.xml,.eml,.msg,.mbox,.ipynb,.srt,.vtt,.log,.rst,.tex,.org,.png,.jpg,.jpeg,.webp,.gif,.tif,.tiff'

export const acceptedFormatsText = message('PDF, Word, Markdown, text, HTML and more')
