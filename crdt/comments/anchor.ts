/**
 * Where in a form a thread stands. A range of text is kept as two Yjs relative positions: the start holds on to its
 * first character, the end to its last, so that the range follows its words through edits around and within it.
 */
import * as buffer from 'lib0/buffer';
import * as Y from 'yjs';
import { asText, fieldsOf, metaOf, pagesOf } from '../form/shape.js';
import type { AnchorJson, AnchorRequest, StoredAnchor } from './thread-json.js';

const MAX_QUOTE = 300;
const MAX_DEPTH = 32;

type TextAnchor = Extract<StoredAnchor, { type: 'text' }>;
type TextRequest = Extract<AnchorRequest, { type: 'text' }>;

/** What was asked for, or why it can't be had; `path` is that of the member at fault. */
export type Anchoring =
  { readonly anchor: StoredAnchor } | { readonly issue: { readonly path: string; readonly message: string } };

export function anchorAt(form: Y.Doc, request: AnchorRequest): Anchoring {
  if (request.type === 'text') return textAnchorAt(form, request);
  if (request.type !== 'form' && itemAt(fieldsOf(form), request.fieldId) === undefined) {
    return issue('fieldId', `the form has no field "${request.fieldId}"`);
  }
  if (request.type === 'option' && optionAt(form, request.fieldId, request.optionId) === undefined) {
    return issue('optionId', `the field has no option "${request.optionId}"`);
  }
  return { anchor: request };
}

/** Never throws. */
export function resolveAnchor(form: Y.Doc, anchor: StoredAnchor): AnchorJson {
  switch (anchor.type) {
    case 'form':
      return { type: 'form', isOrphaned: false };
    case 'field':
      return { ...anchor, isOrphaned: itemAt(fieldsOf(form), anchor.fieldId) === undefined };
    case 'option':
      return { ...anchor, isOrphaned: optionAt(form, anchor.fieldId, anchor.optionId) === undefined };
    case 'text': {
      const { type, target, property, language, quote } = anchor;
      const fieldId = fieldOfAnchor(anchor);
      const range = rangeOf(form, anchor);
      return {
        type,
        target,
        ...(fieldId === undefined ? {} : { fieldId }),
        property,
        language,
        start: range?.start ?? null,
        end: range?.end ?? null,
        quote,
        isOrphaned: range === undefined,
      };
    }
  }
}

/** The field that an anchor stands on or within. */
export function fieldOfAnchor(anchor: StoredAnchor): string | undefined {
  if (anchor.type === 'field' || anchor.type === 'option') return anchor.fieldId;
  if (anchor.type === 'form') return undefined;
  const [area, fieldId] = anchor.target.split('/');
  return area === 'fields' ? fieldId : undefined;
}

function textAnchorAt(form: Y.Doc, request: TextRequest): Anchoring {
  const { property, language, start, end } = request;
  if (request.target !== undefined && request.fieldId !== undefined) return issue('target', 'stands beside fieldId');
  const target = request.target ?? (request.fieldId === undefined ? 'form' : `fields/${request.fieldId}`);
  const holder = holderOf(form, target);
  if (holder === undefined) {
    return issue(request.fieldId === undefined ? 'target' : 'fieldId', `the form has no "${target}"`);
  }
  const text = textIn(holder, property, language);
  if (text === undefined) return issue('property', `there is no ${property} in the language "${language}"`);
  const plain = asText(text) ?? '';
  if (start >= end) return issue('end', 'is not behind start');
  if (end > plain.length) return issue('end', `is behind the end of the text, which has ${plain.length} UTF-16 units`);
  const parts = partsOf(text);
  const first = parts.find((part) => part.start + part.text.length > start);
  const last = parts.findLast((part) => part.start < end);
  if (first === undefined || last === undefined || first.start >= end || last.start + last.text.length <= start) {
    return issue('start', 'there is no text in this range that could be held on to');
  }
  const from = Y.createRelativePositionFromTypeIndex(first.text, Math.max(0, start - first.start), 0);
  const to = Y.createRelativePositionFromTypeIndex(last.text, Math.min(last.text.length, end - last.start), -1);
  return {
    anchor: {
      type: 'text',
      target,
      property,
      language,
      from: encode(from),
      to: encode(to),
      quote: plain.slice(start, Math.min(end, start + MAX_QUOTE)).toWellFormed(),
    },
  };
}

function rangeOf(form: Y.Doc, anchor: TextAnchor): { start: number; end: number } | undefined {
  const holder = holderOf(form, anchor.target);
  const text = holder === undefined ? undefined : textIn(holder, anchor.property, anchor.language);
  if (text === undefined) return undefined;
  const parts = partsOf(text);
  const start = indexOf(form, parts, anchor.from);
  const end = indexOf(form, parts, anchor.to);
  return start === undefined || end === undefined || start >= end ? undefined : { start, end };
}

/** Undefined when the position is in none of the parts: the text it was in is gone, or was replaced by another. */
function indexOf(form: Y.Doc, parts: readonly TextPart[], encoded: string): number | undefined {
  const relative = decode(encoded);
  // `anchorAt` always names an item; a position that names a root instead would define that root in the form.
  const absolute =
    relative === undefined || relative.item === null
      ? null
      : Y.createAbsolutePositionFromRelativePosition(relative, form, false);
  if (absolute === null) return undefined;
  const part = parts.find((candidate) => candidate.text === absolute.type);
  return part === undefined ? undefined : part.start + absolute.index;
}

function holderOf(form: Y.Doc, target: string): Y.Map<unknown> | undefined {
  const [area, id, , optionId] = target.split('/');
  if (area === 'form') return metaOf(form);
  if (id === undefined) return undefined;
  if (area === 'pages') return itemAt(pagesOf(form), id);
  return optionId === undefined ? itemAt(fieldsOf(form), id) : optionAt(form, id, optionId);
}

function optionAt(form: Y.Doc, fieldId: string, optionId: string): Y.Map<unknown> | undefined {
  const field = itemAt(fieldsOf(form), fieldId);
  return itemAt(field?.get('options'), optionId) ?? itemAt(field?.get('rows'), optionId);
}

function itemAt(container: unknown, id: string): Y.Map<unknown> | undefined {
  const item: unknown = container instanceof Y.Map ? container.get(id) : undefined;
  return item instanceof Y.Map ? (item as Y.Map<unknown>) : undefined;
}

function textIn(holder: Y.Map<unknown>, property: string, language: string): Y.Text | Y.XmlFragment | undefined {
  const texts = holder.get(property);
  const text: unknown = texts instanceof Y.Map ? texts.get(language) : undefined;
  return text instanceof Y.Text || text instanceof Y.XmlFragment ? text : undefined;
}

/** A Y.Text and where it stands in the plain text of the whole. */
interface TextPart {
  readonly text: Y.Text;
  readonly start: number;
}

function partsOf(text: Y.Text | Y.XmlFragment): TextPart[] {
  const parts: TextPart[] = [];
  if (text instanceof Y.Text) addPart(parts, text, 0);
  else collectParts(text, 0, 0, parts);
  return parts;
}

/** Answers the plain text of the fragment as `asText` has it. */
function collectParts(fragment: Y.XmlFragment, at: number, depth: number, parts: TextPart[]): string {
  let plain = '';
  if (depth > MAX_DEPTH) return plain;
  for (const child of fragment.toArray()) {
    if (child instanceof Y.XmlText) plain += addPart(parts, child, at + plain.length);
    else if (child instanceof Y.XmlElement && child.nodeName === 'hardBreak') plain += '\n';
    else if (child instanceof Y.XmlElement) {
      const inner = collectParts(child, at + plain.length, depth + 1, parts);
      plain += inner.endsWith('\n') ? inner : `${inner}\n`;
    }
  }
  return plain;
}

function addPart(parts: TextPart[], text: Y.Text, start: number): string {
  const plain = asText(text) ?? '';
  // With an embed in it, its indexes are not those of the plain text.
  if (plain.length === text.length) parts.push({ text, start });
  return plain;
}

const issue = (path: string, message: string): Anchoring => ({ issue: { path, message } });

const encode = (position: Y.RelativePosition): string => buffer.toBase64(Y.encodeRelativePosition(position));

function decode(text: string): Y.RelativePosition | undefined {
  try {
    return Y.decodeRelativePosition(buffer.fromBase64(text));
  } catch {
    // lib0 throws plain errors for bytes that are no position: such an anchor holds on to nothing.
    return undefined;
  }
}
