/** A token, or where to get one. A function is asked before each attempt. */
export type Token = string | (() => string | undefined | Promise<string | undefined>);

export async function readToken(token: Token | undefined): Promise<string | undefined> {
  return typeof token === 'function' ? token() : token;
}
