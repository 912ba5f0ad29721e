/** What may be shown to people, of texts that anybody may have written. */

/** Longest text of others that is shown, in characters. */
export const longestShown = 1_024

/**
 * A text that stays in its line and in its direction: control characters and those that turn the direction of writing stand
 * there as `\u001b`, so that a label cannot forge a line of a log, nor speak to a terminal.
 */
export function printable(text: string): string {
  return unprintable.test(text) ? text.replace(everyUnprintable, escaped) : text
}

/**
 * A text without the passwords of URLs, `db://user:password@host` and `?password=…`, however badly they are encoded, and of
 * `most` characters at most. Takes time in proportion to the text, whoever wrote it.
 */
export function withoutPasswords(text: string, most: number = longestShown): string {
  const hidden = text.replace(/\S+/g, (word) => withoutPassword(word.replace(passwordInQuery, '$1***')))
  return hidden.length > most ? `${hidden.slice(0, most)}…` : hidden
}

function withoutPassword(word: string): string {
  const end = word.lastIndexOf('@')
  const start = end === -1 ? null : beforePassword.exec(word.slice(0, end))
  return start === null ? word : `${word.slice(0, start.index)}${start[0]}***${word.slice(end)}`
}

const beforePassword = /:\/\/[^/@:]*:/
const passwordInQuery = /([?&](?:password|passwd|pwd|pass|secret|token|auth)=)[^&#]*/gi

const unprintable = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u
const everyUnprintable = new RegExp(unprintable, 'gu')

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
