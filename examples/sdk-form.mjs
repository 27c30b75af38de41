// A form, typed: read, changed, and known to be saved.
import { connect, openForm } from 'formloom/client';
import { WebSocket } from 'ws';

const url = process.argv[2] ?? 'http://127.0.0.1:1234';
// In a browser: connect({ url, token }). Node before 22 has no WebSocket of its own.
const server = connect({ url, WebSocket });
const form = openForm(server, 'example-visit');
await form.requests.create({ title: { en: 'Visit' }, pages: [{ id: 'p1', title: {}, description: {}, fields: [] }] });

form.connection.on('undone', (refusals) => console.log('undone:', refusals));
await form.connection.synced();
form.apply(
  { op: 'addField', page: 'p1', field: { id: 'name', type: 'text', title: { en: 'Your name' } } },
  { op: 'setProperty', target: 'fields/name', path: 'required', value: true },
);
await form.connection.saved();
console.log(`saved: ${form.form.title.en} asks for "${form.form.pages[0].fields[0].title.en}"`);
server.close();
