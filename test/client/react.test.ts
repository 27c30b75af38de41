import t from 'tap';
import { createRequire } from 'node:module';
import { createElement, type ReactNode } from 'react';
import { openForm } from '../../client/index.js';
import { useForm, useFormPart, usePresence, useSaveState } from '../../client/react/index.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';
import { saved, sdk, synced } from './sdk-client.js';

// Its types would bring those of the DOM into every file of this program.
const { JSDOM } = createRequire(import.meta.url)('jsdom') as {
  JSDOM: new (html: string) => {
    window: { document: { getElementById(id: string): HTMLElement & { textContent: string } } };
  };
};
const { window } = new JSDOM('<div id="root"></div>');
Object.assign(globalThis, { window, document: window.document, navigator: { userAgent: 'jsdom' } });
const { createRoot } = await import('react-dom/client');

void t.test('components follow the form, who is present, and whether everything is saved', async (t) => {
  const server = await composeServer();
  t.teardown(() => server.cleanup());
  await restClient(server.http).post('/forms', {
    id: 'visit',
    title: { en: 'Visit' },
    pages: [{ id: 'p1', fields: [{ id: 'name', type: 'text' }] }],
  });
  const mine = openForm(sdk(t, server.http, { user: 'ada' }), 'visit');
  const other = openForm(sdk(t, server.http, { user: 'bob' }), 'visit');
  await Promise.all([synced(mine.connection), synced(other.connection)]);

  let partRenders = 0;
  function Fields(): ReactNode {
    partRenders += 1;
    return `${useFormPart(mine, (form) => form.pages[0]?.fields.length)} fields`;
  }
  function Page(): ReactNode {
    const form = useForm(mine);
    const people = usePresence(mine.presence);
    const save = useSaveState(mine.connection);
    return [
      form.title['en'],
      people.map(({ user }) => user.id).join(),
      save,
      createElement(Fields, { key: 1 }),
    ].flatMap((part) => [part, ' | ']);
  }
  const element = window.document.getElementById('root');
  const root = createRoot(element);
  root.render(createElement(Page));
  const shows = (text: string): Promise<void> =>
    until(() => element.textContent === text, { what: () => `${text}, not ${element.textContent}` });
  await shows('Visit | bob | saved | 1 fields | ');

  other.apply({ op: 'setTitle', language: 'en', value: 'Visit us' });
  await shows('Visit us | bob | saved | 1 fields | ');
  mine.apply({ op: 'addField', page: 'p1', field: { id: 'when', type: 'date' } });
  await saved(mine.connection);
  await shows('Visit us | bob | saved | 2 fields | ');
  t.ok(partRenders >= 2);
  other.close();
  await shows('Visit us |  | saved | 2 fields | ');
  root.unmount();
});
