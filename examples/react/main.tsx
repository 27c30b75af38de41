/** A form edited together with React: hooks render again when what they return has changed. */
import { StrictMode, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { connect, guardLeaving, openForm, RequestRefusedError, type FormHandle } from 'formloom/client';
import { useConnectionState, useForm, usePresence, useSaveState, useUndone } from 'formloom/client/react';
import { name, url } from '../page-state.js';

const server = connect({ url, user: name });
const handle = openForm(server, 'example-react');
guardLeaving(handle.connection);
await ensureForm(handle);
createRoot(document.querySelector('#root') ?? document.body).render(
  <StrictMode>
    <FormEditor handle={handle} />
  </StrictMode>,
);

function FormEditor({ handle }: { readonly handle: FormHandle }): ReactNode {
  const form = useForm(handle);
  const people = usePresence(handle.presence);
  const { status } = useConnectionState(handle.connection);
  const save = useSaveState(handle.connection);
  const { refusals } = useUndone(handle.connection);
  const [page] = form.pages;
  if (page === undefined) return null;
  return (
    <>
      <p role="status">
        {status}, {save}; here: {['you', ...people.map(({ user }) => user.id)].join(', ')}
      </p>
      <label>
        Title{' '}
        <input
          value={form.title['en'] ?? ''}
          onChange={({ target }) => handle.apply({ op: 'setTitle', language: 'en', value: target.value })}
        />
      </label>
      <ol>
        {page.fields.map(({ id, title }) => (
          <li key={id}>
            {title['en']}{' '}
            <button type="button" onClick={() => handle.apply({ op: 'removeField', fieldId: id })}>
              Remove
            </button>
          </li>
        ))}
      </ol>
      <button
        type="button"
        onClick={() =>
          handle.apply({
            op: 'addField',
            page: page.id,
            field: { type: 'text', title: { en: `Question ${page.fields.length + 1}` } },
          })
        }
      >
        Add a question
      </button>
      {refusals.map((refusal, index) => (
        <p key={index} role="alert">
          Undone: {refusal.message}
        </p>
      ))}
    </>
  );
}

/** Two windows may try at once: what is there is there. */
async function ensureForm({ requests }: FormHandle): Promise<void> {
  try {
    await requests.create({ title: { en: 'A form' }, pages: [{ id: 'p1' }] });
  } catch (error) {
    if (!(error instanceof RequestRefusedError) || error.status !== 409) throw error;
  }
}
