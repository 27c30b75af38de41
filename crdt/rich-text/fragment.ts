/** Rich texts as editors of the ProseMirror family keep them in a Y.XmlFragment, read and written as Markdown lines. */
import * as Y from 'yjs';
import { applyTextEdits } from '../form/operations/text-edit.js';
import { joined, MAX_LEVEL, parseRichText, writeRichText, type Block, type Run } from './blocks.js';

const MAX_DEPTH = 32;

/** Empty lines at its end are not part of what it says. */
export function markdownOf(fragment: Y.XmlFragment): string {
  return writeRichText(blocksOf(fragment)).replace(/\n+$/, '').toWellFormed();
}

/** Total: whatever an editor or a hostile client put there becomes some blocks. */
export function blocksOf(fragment: Y.XmlFragment): Block[] {
  const blocks: Block[] = [];
  collect(fragment, { kind: 'paragraph', level: 0 }, 0, blocks);
  return blocks;
}

type Setting = Omit<Block, 'runs'>;

function collect(parent: Y.XmlFragment, setting: Setting, depth: number, blocks: Block[]): void {
  if (depth > MAX_DEPTH) return;
  let line: Run[] | undefined;
  const flush = (): void => {
    if (line !== undefined) blocks.push({ ...setting, runs: joined(line) });
    line = undefined;
  };
  for (const child of parent.toArray()) {
    if (child instanceof Y.XmlText) {
      for (const run of runsOf(child)) {
        const [first = '', ...rest] = run.text.split('\n');
        (line ??= []).push({ ...run, text: first });
        for (const text of rest) {
          flush();
          line = [{ ...run, text }];
        }
      }
      line ??= [];
    } else if (child instanceof Y.XmlElement) {
      if (child.nodeName === 'hardBreak') {
        line ??= [];
        flush();
        line = [];
        continue;
      }
      flush();
      const before = blocks.length;
      collect(child, settingOf(child, setting), depth + 1, blocks);
      if (blocks.length === before && !LISTS.has(child.nodeName))
        blocks.push({ ...settingOf(child, setting), runs: [] });
    }
  }
  flush();
}

const LISTS: ReadonlySet<string> = new Set(['bulletList', 'orderedList']);

function settingOf(element: Y.XmlElement, outer: Setting): Setting {
  const isInList = outer.kind === 'bullet' || outer.kind === 'ordered';
  switch (element.nodeName) {
    case 'bulletList':
    case 'orderedList':
      return {
        kind: element.nodeName === 'bulletList' ? 'bullet' : 'ordered',
        level: isInList ? Math.min(MAX_LEVEL, outer.level + 1) : 0,
      };
    case 'heading': {
      const level: unknown = element.getAttribute('level');
      const number = typeof level === 'number' || typeof level === 'string' ? Number(level) : 1;
      return { kind: 'heading', level: Number.isInteger(number) ? Math.min(3, Math.max(1, number)) : 1 };
    }
    default:
      return outer;
  }
}

/** Marks of ProseMirror are formats of the text; a second link on the same letters has a suffix to its name. */
function runsOf(text: Y.XmlText): Run[] {
  const runs: Run[] = [];
  for (const { insert, attributes = {} } of text.toDelta() as { insert: unknown; attributes?: object }[]) {
    if (typeof insert !== 'string') continue;
    const marks = Object.entries(attributes).filter(([, value]) => value !== null && value !== false);
    const has = (...names: string[]): boolean => marks.some(([name]) => names.includes(name));
    const link = marks.find(([name]) => name === 'link' || name.startsWith('link--'))?.[1] as unknown;
    const href = typeof link === 'object' && link !== null && 'href' in link ? link.href : undefined;
    runs.push({
      text: insert,
      ...(has('bold', 'strong') ? { bold: true as const } : {}),
      ...(has('italic', 'em') ? { italic: true as const } : {}),
      ...(typeof href === 'string' ? { href } : {}),
    });
  }
  return runs;
}

/** A node before it is in a document. */
export type RichNode =
  | { readonly name: string; readonly level?: number; readonly children: readonly RichNode[] }
  | { readonly runs: readonly Run[] };

/** Neighbouring list items share a list; deeper ones stand in the item before. */
export function nodesOf(text: string): RichNode[] {
  interface Open {
    readonly kind: Block['kind'];
    readonly items: { name: string; children: RichNode[] }[];
  }
  const nodes: RichNode[] = [];
  const open: Open[] = [];
  for (const { kind, level, runs } of parseRichText(text)) {
    const inline: RichNode[] = runs.length === 0 ? [] : [{ runs }];
    if (kind === 'paragraph' || kind === 'heading') {
      open.length = 0;
      nodes.push({ name: kind, ...(kind === 'heading' ? { level } : {}), children: inline });
      continue;
    }
    // An item stands at most one level below the one before it.
    const depth = Math.min(level, open.length);
    open.length = Math.min(open.length, depth + 1);
    if (open[depth]?.kind !== kind) open.length = depth;
    const item = { name: 'listItem', children: [{ name: 'paragraph', children: inline }] as RichNode[] };
    const list = open[depth];
    if (list !== undefined) {
      list.items.push(item);
      continue;
    }
    const items = [item];
    const siblings = open[depth - 1]?.items.at(-1)?.children ?? nodes;
    siblings.push({ name: kind === 'bullet' ? 'bulletList' : 'orderedList', children: items });
    open.push({ kind, items });
  }
  return nodes;
}

export function elementOf(node: RichNode): Y.XmlElement | Y.XmlText {
  if ('runs' in node) {
    const text = new Y.XmlText();
    text.applyDelta(
      node.runs.map(({ text: insert, bold, italic, href }) => ({
        insert,
        attributes: {
          ...(bold === true ? { bold: {} } : {}),
          ...(italic === true ? { italic: {} } : {}),
          ...(href === undefined ? {} : { link: { href } }),
        },
      })),
    );
    return text;
  }
  const element = new Y.XmlElement(node.name);
  // Editors keep it as a number; Y.XmlElement declares texts.
  if (node.level !== undefined) element.setAttribute('level', node.level as unknown as string);
  element.insert(0, node.children.map(elementOf));
  return element;
}

/** Blocks that say the same stay; a paragraph whose words changed is edited. @returns how much was changed */
export function writeMarkdown(fragment: Y.XmlFragment, text: string): number {
  const wanted = nodesOf(text);
  const present = fragment.toArray().map((child) => (child instanceof Y.XmlElement ? child : undefined));
  const said = present.map((child) => (child === undefined ? undefined : saidBy(child)));
  const says = wanted.map((node) => JSON.stringify(node));
  const shorter = Math.min(said.length, says.length);
  let start = 0;
  while (start < shorter && said[start] === says[start]) start += 1;
  let end = 0;
  while (end < shorter - start && said[said.length - 1 - end] === says[says.length - 1 - end]) end += 1;
  const old = said.length - start - end;
  const fresh = wanted.slice(start, wanted.length - end);
  if (old === 0 && fresh.length === 0) return 0;
  if (old === fresh.length) {
    let changes = 0;
    fresh.forEach((node, index) => {
      const at = start + index;
      if (said[at] === says[at]) return;
      changes += 1;
      const words = plainWordsOf(node);
      const child = present[at];
      const inner = child?.length === 1 ? child.get(0) : undefined;
      const isSame = 'name' in node && child?.nodeName === node.name && node.name === 'paragraph';
      if (isSame && words !== undefined && inner instanceof Y.XmlText && isPlainText(inner))
        applyTextEdits(inner, words);
      else {
        fragment.delete(at, 1);
        fragment.insert(at, [elementOf(node)]);
      }
    });
    return changes;
  }
  if (old > 0) fragment.delete(start, old);
  if (fresh.length > 0) fragment.insert(start, fresh.map(elementOf));
  return 1;
}

/** As `nodesOf` would write it. */
function saidBy(element: Y.XmlElement): string {
  const holder = new Y.Doc().getXmlFragment('');
  holder.insert(0, [element.clone()]);
  return nodesOf(writeRichText(blocksOf(holder)))
    .map((node) => JSON.stringify(node))
    .join();
}

function plainWordsOf(node: RichNode): string | undefined {
  const [inner, ...others] = 'children' in node ? node.children : [];
  if (inner === undefined || others.length > 0 || !('runs' in inner)) return undefined;
  const [run, ...more] = inner.runs;
  return more.length > 0 || run === undefined || Object.keys(run).length > 1 ? undefined : run.text;
}

const isPlainText = (text: Y.XmlText): boolean =>
  (text.toDelta() as { insert: unknown; attributes?: object }[]).every(
    ({ insert, attributes = {} }) => typeof insert === 'string' && Object.keys(attributes).length === 0,
  );
