/** Returns the lines of a text that are not empty, without spaces at their ends. */
export const linesOf = (text: string): string[] => text.split('\n').flatMap((line) => line.trim() || [])
