/** A real Chromium, headless. Where there is none, it fails and says what to install. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function openBrowser(): Promise<Browser> {
  if (!existsSync(EXECUTABLE)) {
    throw new Error(`There is no Chromium at ${EXECUTABLE}: install it (apt-get install chromium) or set CHROMIUM.`);
  }
  return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page did that it must not: errors, refused content, requests to elsewhere. */
  readonly faults: string[];
  close(): Promise<void>;
}

export interface VisitorOptions {
  readonly name: string;
  readonly size?: { readonly width: number; readonly height: number };
  readonly colours?: 'light' | 'dark';
  readonly language?: 'en' | 'fr';
}

/** Somebody with a browser profile of their own. */
export async function visitor(browser: Browser, home: string, options: VisitorOptions): Promise<Visitor> {
  const { name, size = { width: 1280, height: 800 }, colours = 'light', language = 'en' } = options;
  const context = await browser.newContext({
    viewport: size,
    colorScheme: colours,
    locale: language === 'fr' ? 'fr-CA' : 'en-CA',
    reducedMotion: 'reduce',
  });
  await context.addInitScript(
    `localStorage.getItem('formloom.name') ?? localStorage.setItem('formloom.name', '${name}')`,
  );
  const page = await context.newPage();
  // Only turns a hang into a message: several files at a time share the processors of a small machine.
  page.setDefaultTimeout(60_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (/content security policy|uncaught/i.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(home) && !/^(data|blob):/.test(request.url()))
      faults.push(`request to ${request.url()}`);
  });
  return { context, page, faults, close: () => context.close() };
}

/** What axe finds wrong with a page as it stands, one a line: in its colours, and in the others. */
export async function axeViolations(page: Page): Promise<string[]> {
  // Evaluated by the debugger: the page's own policy takes no scripts but its own.
  await page.evaluate(axeSource);
  const isDark = await page.evaluate(() => {
    const { matchMedia } = globalThis as unknown as { matchMedia: (query: string) => { matches: boolean } };
    return matchMedia('(prefers-color-scheme: dark)').matches;
  });
  const found: string[] = [];
  for (const colorScheme of isDark ? (['light', 'dark'] as const) : (['dark', 'light'] as const)) {
    await page.emulateMedia({ colorScheme });
    found.push(...(await violationsNow(page)).map((one) => `${colorScheme}: ${one}`));
  }
  return found;
}

function violationsNow(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    interface Found {
      readonly violations: readonly {
        readonly id: string;
        readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
      }[];
    }
    const { axe } = globalThis as unknown as { axe: { run(): Promise<Found> } };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary = '' }) => `${id} at ${target.join(' ')}: ${failureSummary.slice(0, 200)}`),
    );
  });
}

/** Drops a file of this machine on an element, as a person does. */
export async function dropFile(page: Page, selector: string, file: { name: string; content: string }): Promise<void> {
  const transfer = await page.evaluateHandle(({ name, content }) => {
    const { DataTransfer: Transfer, File: FileClass } = globalThis as unknown as {
      DataTransfer: new () => { items: { add(file: unknown): void } };
      File: new (parts: string[], name: string, options: { type: string }) => unknown;
    };
    const made = new Transfer();
    made.items.add(new FileClass([content], name, { type: 'application/json' }));
    return made;
  }, file);
  await page.dispatchEvent(selector, 'drop', { dataTransfer: transfer });
}
