import { type ToolName, toolNames } from '../../contract/tools.ts'
import { type Message, message, t } from '../languages/index.ts'

/** Titles and descriptions of the built-in tools for people. */
export const builtInTools: Record<ToolName, { title: Message; text: Message }> = {
  search_documents: {
    title: message('Search documents'),
    text: message('Searches the documents again when the first search does not answer the question.'),
  },
  read_page: {
    title: message('Read a page'),
    text: message('Reads the text around a passage, or another page of its document.'),
  },
  recall: {
    title: message('Recall memories'),
    text: message('Recalls what it remembers about the person who asks.'),
  },
  remember: {
    title: message('Remember'),
    text: message('Stores a fact about the person who asks, after asking for permission.'),
  },
  current_time: { title: message('Date and time'), text: message('Returns the date and time.') },
  calculate: { title: message('Calculator'), text: message('Evaluates arithmetic expressions.') },
  fetch_page: {
    title: message('Open a web page'),
    text: message(
      'Reads web pages. Asks for permission before opening an address that the person has not mentioned.',
    ),
  },
  search_web: {
    title: message('Search the web'),
    text: message('Searches the web. The search service sees the search terms.'),
  },
}

/** Returns a readable name of a tool: `weather_get_forecast` is "Weather get forecast". */
export function toolTitle(name: string): string {
  const builtIn = toolNames.find((each) => each === name)
  return builtIn ? t(builtInTools[builtIn].title) : readableName(name)
}

/** `time_zone` is "Time zone". */
export const readableName = (name: string): string =>
  `${name.charAt(0).toUpperCase()}${name.slice(1)}`.replaceAll('_', ' ')
