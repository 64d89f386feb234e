/** What the file picker offers; the server has the last word. */
export const acceptedExtensions =
  '.pdf,.docx,.pptx,.xlsx,.odt,.epub,.md,.markdown,.txt,.text,.html,.htm,.csv,.tsv,.json,.xml,.eml,.log,.rst,.tex,.org,.png,.jpg,.jpeg,.webp,.tif,.tiff'

export const acceptedFormatsText = 'PDF, Word, Markdown, text, HTML and more'
