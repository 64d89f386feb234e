import { message } from '../languages/index.ts'

/** The extensions offered by the file picker. The server decides what it accepts. */
export const acceptedExtensions =
  '.pdf,.docx,.pptx,.xlsx,.doc,.ppt,.xls,.odt,.ods,.odp,.rtf,.epub,.md,.markdown,.txt,.text,.html,.htm,.csv,.tsv,.json,.xml,.eml,.msg,.mbox,.ipynb,.srt,.vtt,.log,.rst,.tex,.org,.png,.jpg,.jpeg,.webp,.gif,.tif,.tiff'

/** Whether browsers and models see the content of a document of this type as a picture. */
export const isPicture = (type: string): boolean => /^(?:png|jpe?g|webp|gif)$/.test(type)

export const acceptedFormatsText = message('PDF, Word, Markdown, text, HTML and more')
