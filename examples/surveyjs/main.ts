/**
 * A Formloom form, shown by SurveyJS and filled in by several people at once. The form is exported as SurveyJS JSON; the
 * answers live in the sheet, so they are saved as they are given, and both windows show the same.
 *
 * The first window starts a sheet and puts its id into the address; open that address in a second window.
 */
import {
  connect,
  openSubmission,
  RequestRefusedError,
  startSubmission,
  type Json,
  type SubmissionHandle,
} from 'formloom/client';
import { Model } from 'survey-core';
import 'survey-core/survey-core.fontless.css';
import 'survey-js-ui';
import { name, showState, url } from '../page-state.js';

const FORM = 'example-survey';
const server = connect({ url, user: name });
await ensureForm();
const sheet = openSubmission({ url, user: name }, await sheetOfAddress());
showState(sheet.connection);
await sheet.connection.synced();

const survey = new Model(await server.rest.request('GET', `/forms/${FORM}/export`, { query: { format: 'surveyjs' } }));
bind(survey, sheet);
survey.render(document.querySelector<HTMLElement>('#survey') ?? document.body);

/** Both ways; SurveyJS tells what changed, and the sheet what it holds. */
function bind(model: Model, handle: SubmissionHandle): void {
  let isShowing = false;
  const show = (): void => {
    isShowing = true;
    for (const { name: field } of model.getAllQuestions()) {
      const answer = handle.answers[field];
      if (JSON.stringify(model.getValue(field)) === JSON.stringify(answer)) continue;
      if (answer === undefined) model.clearValue(field);
      else model.setValue(field, answer);
    }
    isShowing = false;
  };
  model.onValueChanged.add((_, { name: field, value }: { name: string; value?: Json }) => {
    if (!isShowing) handle.answer({ [field]: value ?? null });
  });
  model.onCompleting.add((_, options) => {
    options.allow = handle.connection.saveState === 'saved';
  });
  model.onComplete.add(() => void handle.submit());
  handle.subscribe(show);
  show();
}

async function sheetOfAddress(): Promise<{ formId: string; id: string; token: string | null }> {
  const [id, token] = location.hash.slice(1).split('/');
  if (id !== undefined && id !== '') return { formId: FORM, id, token: token ?? null };
  const started = await startSubmission(server, FORM);
  location.hash = started.token === null ? started.id : `${started.id}/${started.token}`;
  return started;
}

/** A published form to answer. Two windows may try at once: what is there is there. */
async function ensureForm(): Promise<void> {
  const fields = [
    { id: 'name', type: 'text', title: { en: 'Your name' }, required: true },
    {
      id: 'drink',
      type: 'choice',
      title: { en: 'Tea or coffee?' },
      options: [
        { id: 'tea', label: { en: 'Tea' } },
        { id: 'coffee', label: { en: 'Coffee' } },
      ],
    },
  ];
  try {
    await server.rest.request('POST', '/forms', {
      body: { id: FORM, title: { en: 'Breakfast' }, pages: [{ id: 'p1', fields }] },
    });
    await server.rest.request('POST', `/forms/${FORM}/publish`);
  } catch (error) {
    if (!(error instanceof RequestRefusedError) || error.status !== 409) throw error;
  }
}
