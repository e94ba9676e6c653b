/** Texts of others as they may stand on a terminal, or in a line of a log. */

/** Names and data may hold what a terminal would obey, or what hides text: such characters are shown as escapes. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
