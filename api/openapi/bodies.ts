/** Bodies that say more than their schemas do, by operation. */
const FORM = {
  id: 'visit',
  title: { en: 'Visit' },
  languages: ['en', 'fr'],
  pages: [
    {
      id: 'p1',
      fields: [
        { id: 'name', type: 'text', title: { en: 'Your name' }, required: true, validation: { minLength: 2 } },
        { id: 'age', type: 'number', title: { en: 'Age' }, validation: { min: 0 } },
        { id: 'school', type: 'text', title: { en: 'School' }, visibleIf: { '<': [{ var: 'age' }, 18] } },
      ],
    },
  ],
};

export const BODIES: Readonly<Record<string, unknown>> = {
  'POST /forms': FORM,
  'PUT /forms/{formId}': FORM,
  'PATCH /forms/{formId}': {
    operations: [
      { op: 'setProperty', target: 'fields/name', path: 'validation.minLength', value: 3 },
      { op: 'insertText', target: 'fields/name', property: 'title', language: 'en', index: 0, text: 'Please: ' },
      { op: 'addField', page: 'p1', after: 'name', field: { id: 'when', type: 'date', title: { en: 'When' } } },
      { op: 'moveField', fieldId: 'when', page: 'p1', after: null },
      { op: 'setTitle', language: 'fr', value: 'Visite' },
    ],
  },
  'POST /forms/{formId}/conflicts/{conflictId}/resolution': { choose: '83921-17' },
  'PUT /forms/{formId}/policy': {
    default: 'last-writer-wins',
    fields: { name: { required: 'manual', title: 'manual' } },
  },
  'PUT /forms/{formId}/fields/{fieldId}/lock': { seconds: 120 },
  'POST /forms/{formId}/submissions': { answers: { name: 'Ada' }, timeZone: 'Europe/Paris' },
  'PATCH /forms/{formId}/submissions/{submissionId}/answers': { answers: { name: 'Ada', age: null }, page: 'p1' },
  'POST /forms/{formId}/submissions/{submissionId}/status': { status: 'processing', note: 'Ben looks into it' },
  'POST /forms/{formId}/submissions/{submissionId}/migration': { version: 2 },
  'POST /forms/{formId}/threads': {
    anchor: { type: 'text', fieldId: 'name', property: 'title', language: 'en', start: 5, end: 9 },
    body: 'A better word, @[ben]?',
  },
  'PATCH /forms/{formId}/threads/{threadId}': { status: 'resolved', assignee: 'ben' },
  'POST /forms/{formId}/activity': { activity: 'typing', threadId: '8w3k5m7q2x9c4v1b' },
  'POST /notifications/read': { all: true },
  'PUT /notifications/settings': {
    reasons: { reply: { inbox: true, live: false, webhook: false } },
    quietHours: { from: '22:00', to: '07:00', timeZone: 'Europe/Paris' },
  },
  'POST /webhooks': { url: 'https://example.org/hook', types: ['form.published', 'submission.*'] },
  'POST /events': { type: 'login', userId: 'ada', data: { method: 'password' } },
  'POST /tokens': {
    ...{ sub: 'ada', name: 'Ada', ttlSeconds: 3_600 },
    grants: [{ document: 'form/visit', role: 'editor', languages: ['fr'] }],
  },
};
