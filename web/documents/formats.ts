/** The extensions offered by the file picker. The server decides what it accepts. */
export const acceptedExtensions =
  '.pdf,.docx,.pptx,.xlsx,.odt,.epub,.md,.markdown,.txt,.text,.html,.htm,.csv,.tsv,.json,.xml,.eml,.log,.rst,.tex,.org,.png,.jpg,.jpeg,.webp,.tif,.tiff'

export const acceptedFormatsText = 'PDF, Word, Markdown, text, HTML and more'
