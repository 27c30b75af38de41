/** Rows of a CSV file, RFC 4180. */
import type { Json } from '../../../crdt/index.js';

export const csvRow = (cells: readonly (Json | undefined)[]): string => `${cells.map(csvCell).join(',')}\r\n`;

/** Lists of plain values are joined by `; `, other structures are JSON. */
function csvCell(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quoted(harmless(value));
  const isPlain = Array.isArray(value) && value.every((item) => item === null || typeof item !== 'object');
  return quoted(isPlain ? harmless(value.map(String).join('; ')) : JSON.stringify(value));
}

/**
 * Spreadsheets take a text that begins so for a formula, and may send what it reads elsewhere (OWASP, CSV injection).
 * In some languages the full-width forms count too.
 */
const harmless = (text: string): string => (/^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text);
const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
