/** Ids of the users that a text mentions as `@[userId]`, each once, in order. */
export function mentionsIn(body: string): string[] {
  return [...new Set(Array.from(body.matchAll(/@\[([^[\]\n]{1,128})\]/g), (match) => match[1] ?? ''))];
}
