/** The whole server, a real Chromium, and people who open the app in it: for the tests of a file. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { axeViolations, openBrowser, visitor, type Visitor, type VisitorOptions } from './browser.js';
import { composeServer } from './composed-server.js';
import { restClient, type RestClient } from './rest-client.js';
import { until } from './until.js';

/** Kept to be looked at, and not part of the repository. */
const PICTURES = fileURLToPath(new URL('../browser/screenshots/', import.meta.url));

export interface App {
  readonly http: string;
  readonly rest: RestClient;
  /** Closed when the test ends. */
  visit(test: Test, path: string, options: VisitorOptions): Promise<Visitor>;
  close(): Promise<void>;
}

export async function openApp(): Promise<App> {
  const server = await composeServer();
  const browser = await openBrowser();
  return {
    http: server.http,
    rest: restClient(server.http),
    visit: async (test, path, options) => {
      const somebody = await visitor(browser, server.http, options);
      test.teardown(() => somebody.close());
      await somebody.page.goto(`${server.http}${path}`);
      return somebody;
    },
    close: async () => {
      await browser.close();
      await server.cleanup();
    },
  };
}

/** The policy of the page refuses Playwright's `waitForFunction`, which evaluates inside it. */
export async function shows({ page }: Visitor, selector: string, value: string): Promise<void> {
  const read = (): Promise<string> => page.inputValue(selector);
  await until(async () => (await read()) === value, { what: `${selector} shows "${value}"` });
}

export async function picture({ page }: Visitor, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}${name}.png` });
}

export async function isClean(test: Test, somebody: Visitor, page: string): Promise<void> {
  test.same(await axeViolations(somebody.page), [], `axe finds nothing wrong with ${page}`);
  test.same(somebody.faults, [], `${page} breaks no policy and asks nobody else`);
}

export async function fitsTheWidth(test: Test, { page }: Visitor, what: string): Promise<void> {
  const isFitting = await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth');
  test.equal(isFitting, true, `${what} is not wider than the window`);
}

/** Until the page opens without a network: its worker has kept what it needs. @param script as `respond-page` */
export async function shellIsKept({ page }: Visitor, script: string): Promise<void> {
  await until(
    () =>
      page.evaluate(async (name) => {
        const { caches } = globalThis as unknown as {
          caches: { keys(): Promise<string[]>; open(name: string): Promise<{ keys(): Promise<{ url: string }[]> }> };
        };
        for (const each of await caches.keys()) {
          if ((await (await caches.open(each)).keys()).some(({ url }) => url.includes(`/${name}-`))) return true;
        }
        return false;
      }, script),
    { what: `the shell with ${script} is kept` },
  );
}

/** A form on two pages, with logic, in two languages. @returns its id */
export async function visitForm(rest: RestClient): Promise<string> {
  const { body } = await rest.post('/forms', VISIT_FORM);
  return body.form.id as string;
}

const VISIT_FORM = {
  title: { en: 'Visit a lab', fr: 'Visiter un laboratoire' },
  description: { en: 'Tell us when you come.', fr: 'Dites-nous quand vous venez.' },
  languages: ['en', 'fr'],
  settings: {},
  pages: [
    {
      id: 'p1',
      title: { en: 'About you', fr: 'À propos de vous' },
      description: {},
      fields: [
        { id: 'name', type: 'text', title: { en: 'Your name', fr: 'Votre nom' }, required: true },
        { id: 'mail', type: 'email', title: { en: 'Email', fr: 'Courriel' } },
        { id: 'group', type: 'boolean', title: { en: 'Do you come as a group?', fr: 'Venez-vous en groupe?' } },
        {
          id: 'count',
          type: 'number',
          title: { en: 'How many are you?', fr: 'Combien êtes-vous?' },
          required: true,
          validation: { min: 2 },
          visibleIf: { var: 'group' },
        },
      ],
    },
    {
      id: 'p2',
      title: { en: 'The visit', fr: 'La visite' },
      description: {},
      fields: [
        {
          id: 'part',
          type: 'choices',
          title: { en: 'What do you want to see?', fr: 'Que voulez-vous voir?' },
          required: true,
          options: [
            { id: 'optics', label: { en: 'Optics', fr: 'Optique' } },
            { id: 'robots', label: { en: 'Robots', fr: 'Robots' } },
          ],
        },
        { id: 'wish', type: 'paragraph', title: { en: 'Anything else?', fr: 'Autre chose?' } },
      ],
    },
  ],
};
