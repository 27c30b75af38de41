/** What becomes of writes that did not see each other: for the form, and for single properties of the field that is open. */
import { useSyncExternalStore, type ReactNode } from 'react';
import { DEFAULT_POLICY, POLICIES, policyIn, type Policy, type PolicyJson } from '../../../crdt/conflicts/index.js';
import { allFields } from '../../../crdt/logic/evaluate.js';
import { useTask } from '../../app/hooks.js';
import { textIn, useWording } from '../../app/language.js';
import { server } from '../../app/session.js';
import { Problem } from '../../parts/shell.js';
import { hasOptions, isAnswered, useEditor, useFormNow, useSelected } from '../editor-context.js';
import { propertyName } from '../../parts/property-name.js';

const WORDS = { 'last-writer-wins': 'policyLast', merge: 'policyMerge', manual: 'policyManual' } as const;

export function PolicySettings(): ReactNode {
  const { t } = useWording();
  const { handle, language } = useEditor();
  const form = useFormNow();
  const selected = useSelected();
  const { run, isBusy, error } = useTask();
  const policy = useSyncExternalStore(handle.subscribe, () => policyIn(handle.doc.getMap('meta')) ?? DEFAULT_POLICY);
  const isOwner = handle.connection.role === undefined || ['owner', 'admin'].includes(handle.connection.role);
  const put = (body: PolicyJson): void =>
    run(async () => {
      await server().rest.request('PUT', `/forms/${form.id}/policy`, { body });
    });
  const field = form.pages.flatMap((page) => allFields(page.fields)).find(({ id }) => id === selected);
  const own = (field === undefined ? undefined : policy.fields[field.id]) ?? {};
  const properties =
    field === undefined
      ? []
      : [
          'title',
          'type',
          'validation',
          'visibleIf',
          ...(isAnswered(field) ? ['required'] : []),
          ...(hasOptions(field) ? ['options'] : []),
        ];
  const set = (property: string, value: Policy | ''): void => {
    if (field === undefined) return;
    const changed = { ...own, ...(value === '' ? {} : { [property]: value }) };
    if (value === '') Reflect.deleteProperty(changed, property);
    const fields = { ...policy.fields, [field.id]: changed };
    if (Object.keys(changed).length === 0) Reflect.deleteProperty(fields, field.id);
    put({ ...policy, fields });
  };
  return (
    <section className="policy" aria-label={t('policy')}>
      <h2>{t('policy')}</h2>
      <p className="muted">{t('policyHint')}</p>
      <label className="policy-row">
        <span>{t('wholeForm')}</span>
        <select
          value={policy.default}
          disabled={isBusy || !isOwner}
          onChange={(event) => put({ ...policy, default: event.target.value as Policy })}
        >
          {POLICIES.map((name) => (
            <option key={name} value={name}>
              {t(WORDS[name])}
            </option>
          ))}
        </select>
      </label>
      {field === undefined ? (
        <p className="muted">{t('policyOpenField')}</p>
      ) : (
        <fieldset>
          <legend dir="auto">{textIn(field.title, language) || t('question')}</legend>
          {properties.map((property) => (
            <label key={property} className="policy-row">
              <span>{propertyName(t, property)}</span>
              <select
                value={own[property] ?? ''}
                disabled={isBusy || !isOwner}
                onChange={(event) => set(property, event.target.value as Policy | '')}
              >
                <option value="">{t('policyAsForm')}</option>
                {POLICIES.map((name) => (
                  <option key={name} value={name}>
                    {t(WORDS[name])}
                  </option>
                ))}
              </select>
            </label>
          ))}
        </fieldset>
      )}
      <Problem>{error}</Problem>
    </section>
  );
}
