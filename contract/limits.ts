/** A question has 1 to this many characters. */
export const maxQuestion = 4000
