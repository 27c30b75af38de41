/**
 * Who is here at this moment, on all nodes: each says every two seconds what it sees, and what was said lately counts.
 * Somebody who is connected to two nodes counts twice.
 */
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Connections } from '../gateway/connections.js';
import { documentKind } from '../protocol/document-name.js';
import type { Bus } from '../storage/bus.js';
import type { Subscription } from '../storage/document-log.js';
import type { EditCounter } from './edit-counter.js';

const CHANNEL = 'analytics-live';
const TELL_EVERY_MS = 2_000;
const HEARD_MS = 7_000;

const liveFormSchema = z.object({ editors: z.number(), respondents: z.number(), editsPerMinute: z.number() });
export type LiveForm = z.infer<typeof liveFormSchema>;
const messageSchema = z.object({ node: z.string(), forms: z.record(z.string(), liveFormSchema) });

export interface LiveBoardOptions {
  readonly node: string;
  readonly bus: Bus;
  readonly connections: Pick<Connections, 'people'>;
  readonly edits: EditCounter;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock?: () => number;
}

export class LiveBoard {
  /** By node. */
  readonly #heard = new Map<string, { readonly at: number; readonly forms: Readonly<Record<string, LiveForm>> }>();
  readonly #clock: () => number;
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hasTold = false;

  constructor(private readonly options: LiveBoardOptions) {
    this.#clock = options.clock ?? Date.now;
  }

  async start(): Promise<void> {
    this.#subscription = await this.options.bus.subscribe(CHANNEL, (message) => {
      const { node, forms } = messageSchema.parse(JSON.parse(Buffer.from(message).toString()));
      if (node !== this.options.node) this.#heard.set(node, { at: this.#clock(), forms });
    });
    this.#timer = setInterval(() => this.#tell(), TELL_EVERY_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#subscription?.close();
  }

  /** Of all nodes, by form; this one as it is now. */
  now(): Map<string, LiveForm> {
    const forms = this.#here();
    for (const [node, heard] of this.#heard) {
      if (heard.at + HEARD_MS < this.#clock()) {
        this.#heard.delete(node);
        continue;
      }
      for (const [formId, there] of Object.entries(heard.forms)) {
        const { editors, respondents, editsPerMinute } = forms.get(formId) ?? NOBODY;
        forms.set(formId, {
          editors: editors + there.editors,
          respondents: respondents + there.respondents,
          editsPerMinute: editsPerMinute + there.editsPerMinute,
        });
      }
    }
    return forms;
  }

  #here(): Map<string, LiveForm> {
    const people = new Map<string, { editors: Set<string>; respondents: Set<string> }>();
    for (const { id, document, principal, role } of this.options.connections.people()) {
      const kind = documentKind(document);
      if (kind.kind !== 'form' && kind.kind !== 'submission') continue;
      let here = people.get(kind.formId);
      if (here === undefined) people.set(kind.formId, (here = { editors: new Set(), respondents: new Set() }));
      // Everybody without a token has the same name.
      const who = principal.id === 'anonymous' ? id : principal.id;
      if (kind.kind === 'submission') here.respondents.add(who);
      else if (EDITING.has(role)) here.editors.add(who);
    }
    const edits = this.options.edits.lastMinute();
    const forms = new Map<string, LiveForm>();
    for (const formId of new Set([...people.keys(), ...edits.keys()])) {
      const here = people.get(formId);
      forms.set(formId, {
        editors: here?.editors.size ?? 0,
        respondents: here?.respondents.size ?? 0,
        editsPerMinute: edits.get(formId) ?? 0,
      });
    }
    return forms;
  }

  #tell(): void {
    const forms = this.#here();
    // An empty one is told once, so that nobody is thought to be here still.
    if (forms.size === 0 && !this.#hasTold) return;
    this.#hasTold = forms.size > 0;
    const message = Buffer.from(JSON.stringify({ node: this.options.node, forms: Object.fromEntries(forms) }));
    this.options.bus.publish(CHANNEL, message).catch((error: unknown) => {
      this.options.logger.debug({ err: error }, 'other nodes were not told who is here; they are in two seconds');
    });
  }
}

const EDITING: ReadonlySet<string> = new Set(['admin', 'owner', 'editor']);
const NOBODY: LiveForm = { editors: 0, respondents: 0, editsPerMinute: 0 };
