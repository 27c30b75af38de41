import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A Lua script of `../scripts/`; its name ends in the number of its keys. */
export interface Script {
  readonly name: string;
  readonly lua: string;
  /** SHA-1 of the text, which is how Redis names it. */
  readonly sha: string;
  readonly keyCount: number;
}

/** `--@include name` is replaced by `scripts/includes/name.lua`. */
const INCLUDE = /^--@include ([a-z-]+)$/gm;

/** Reads `../scripts/<name>.lua`; the build copies that folder beside the compiled modules. */
export function loadScript(name: string): Script {
  const lua = read(`${name}.lua`).replace(INCLUDE, (_, include: string) => read(`includes/${include}.lua`));
  const keyCount = Number(/-(\d+)$/.exec(name)?.[1]);
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex'), keyCount };
}

function read(file: string): string {
  return readFileSync(new URL(`../scripts/${file}`, import.meta.url), 'utf8');
}
