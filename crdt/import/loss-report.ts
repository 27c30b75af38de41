import type { LossReportEntry } from '../form/form-json.js';

/** Collects what an import or export could not carry over; each fact once, in the order it was met. */
export class LossReport {
  readonly #entries = new Map<string, LossReportEntry>();

  add(path: string, message: string): void {
    const key = `${path}\n${message}`;
    if (!this.#entries.has(key)) this.#entries.set(key, { path, message });
  }

  entries(): LossReportEntry[] {
    return [...this.#entries.values()];
  }
}

/** One more segment of a JSON Pointer (RFC 6901). */
export function pointer(path: string, segment: string | number): string {
  return `${path}/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
