/** A rich text as readers see it. Nothing of it is HTML until React makes it. */
import { Fragment, useMemo, type ReactNode } from 'react';
import { parseRichText, type Block, type Run } from '../../crdt/rich-text/blocks.js';
import { textMarks } from '../app/text-language.js';

export interface RichViewProps {
  readonly text: string;
  readonly id?: string;
  readonly className?: string;
  readonly lang?: string;
}

export function RichView({ text, id, className, lang }: RichViewProps): ReactNode {
  const blocks = useMemo(() => parseRichText(text), [text]);
  return (
    <div
      id={id}
      {...(lang === undefined ? {} : textMarks(lang))}
      className={className === undefined ? 'rich' : `rich ${className}`}
    >
      {blocksShown(blocks)}
    </div>
  );
}

function blocksShown(blocks: readonly Block[]): ReactNode[] {
  const shown: ReactNode[] = [];
  for (let at = 0; at < blocks.length;) {
    const block = blocks[at];
    if (block === undefined) break;
    if (block.kind === 'bullet' || block.kind === 'ordered') {
      let end = at + 1;
      while (end < blocks.length && isItemOf(blocks[end], block)) end += 1;
      shown.push(<List key={at} items={blocks.slice(at, end)} />);
      at = end;
      continue;
    }
    if (block.kind === 'heading') {
      // The title of what is described is a heading of its own above these.
      shown.push(
        <p key={at} className={`rich-heading level-${block.level}`}>
          <Runs runs={block.runs} />
        </p>,
      );
    } else if (block.runs.length > 0) {
      shown.push(
        <p key={at}>
          <Runs runs={block.runs} />
        </p>,
      );
    }
    at += 1;
  }
  return shown;
}

const isItemOf = (block: Block | undefined, { kind, level }: Block): boolean =>
  block !== undefined &&
  (block.kind === 'bullet' || block.kind === 'ordered') &&
  (block.level > level || (block.level === level && block.kind === kind));

function List({ items }: { readonly items: readonly Block[] }): ReactNode {
  const first = items[0];
  if (first === undefined) return null;
  const entries: { readonly own: Block; readonly below: Block[] }[] = [];
  for (const item of items) {
    const last = entries[entries.length - 1];
    if (item.level > first.level && last !== undefined) last.below.push(item);
    else entries.push({ own: item, below: [] });
  }
  const content = entries.map(({ own, below }, index) => (
    <li key={index}>
      <Runs runs={own.runs} />
      {below.length > 0 && blocksShown(below)}
    </li>
  ));
  return first.kind === 'bullet' ? <ul>{content}</ul> : <ol>{content}</ol>;
}

function Runs({ runs }: { readonly runs: readonly Run[] }): ReactNode {
  return runs.map((run, index) => <Fragment key={index}>{marked(run)}</Fragment>);
}

function marked({ text, bold, italic, href }: Run): ReactNode {
  let shown: ReactNode = text;
  if (italic === true) shown = <em>{shown}</em>;
  if (bold === true) shown = <strong>{shown}</strong>;
  if (href === undefined) return shown;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {shown}
    </a>
  );
}
