/** One field: its title always, everything else when it is open. */
import { memo, type ReactNode } from 'react';
import type { FieldJson } from '../../../crdt/form/form-json.js';
import { languageIn, textIn, useWording } from '../../app/language.js';
import { Avatar, colourOf } from '../../parts/avatar.js';
import { RichView } from '../../parts/rich-view.js';
import { typeWord } from '../../words/field-types.js';
import { hasOptions, hasPlaceholder, isAnswered, useEditor, useFormNow } from '../editor-context.js';
import { usePeopleAt, useTalkAbout } from '../at-field.js';
import { listOf, placeOf, standingOf, stepOf, type Standing } from '../moving/field-places.js';
import { Grip } from '../moving/grip.js';
import { RichText } from '../texts/rich-text.js';
import { TextInput } from '../texts/text-input.js';
import { FieldList } from './field-list.js';
import { FieldRules } from './field-rules.js';
import { MoveButtons } from './move-buttons.js';
import { TYPE_SIGNS } from './new-field.js';
import { OptionList } from './option-list.js';

export interface FieldCardProps {
  readonly field: FieldJson;
  readonly isOpen: boolean;
}

export const FieldCard = memo(function FieldCard({ field, isOpen }: FieldCardProps): ReactNode {
  const { t, language: own } = useWording();
  const { apply, select, language, isReadOnly } = useEditor();
  const talk = useTalkAbout(field.id);
  const here = usePeopleAt(field.id);
  const target = `fields/${field.id}`;
  const kind = typeWord(field.type, own);
  const name = textIn(field.title, language) || kind;
  const first = here[0];
  const description = textIn(field.description, language);
  const classes = ['card field', isOpen ? 'open' : '', first === undefined ? '' : `held ${colourOf(first.user.id)}`];
  return (
    <li
      className={classes.join(' ')}
      data-field={field.id}
      data-item={field.id}
      onFocus={(event) => {
        event.stopPropagation();
        select(field.id);
      }}
    >
      <div className="field-head">
        {!isReadOnly && <FieldGrip field={field} name={name} />}
        <span className="sign" aria-hidden="true" data-sign={TYPE_SIGNS[field.type]} />
        <TextInput
          target={target}
          property="title"
          label={t(field.type === 'statement' || field.type === 'group' ? 'heading' : 'question')}
          className="question"
          field={field.id}
          isWrapped
        />
        {talk.open > 0 && <span className="badge talk">{t('threadCount', { count: talk.open })}</span>}
        {field.required && <span className="badge">{t('required')}</span>}
        <span className="badge type">{kind}</span>
      </div>
      {here.length > 0 && (
        <p className="here">
          {here.map((person) => (
            <Avatar key={person.clientId} id={person.user.id} name={person.user.name} isSmall />
          ))}
          {t(here.some(({ activity }) => activity === 'typing') ? 'typingHere' : 'workingHere', {
            names: here.map(({ user }) => user.name ?? user.id).join(', '),
          })}
        </p>
      )}
      {!isOpen && description !== '' && (
        <RichView text={description} className="field-brief" lang={languageIn(field.description, language)} />
      )}
      {isOpen && (
        <div className="field-more">
          <RichText target={target} property="description" label={t('description')} field={field.id} />
          {hasPlaceholder(field) && (
            <TextInput target={target} property="placeholder" label={t('placeholder')} field={field.id} />
          )}
          {field.type === 'matrix' && <OptionList field={field} list="rows" />}
          {hasOptions(field) && <OptionList field={field} list="options" />}
          {!isReadOnly && <FieldRules field={field} />}
          {!isReadOnly && (
            <div className="field-foot">
              {isAnswered(field) && (
                <label className="inline">
                  <input
                    type="checkbox"
                    checked={field.required}
                    onChange={(event) =>
                      apply({ op: 'setProperty', target, path: 'required', value: event.target.checked })
                    }
                  />
                  {t('required')}
                </label>
              )}
              <span className="spacer" />
              <FieldSteps field={field} name={name} />
              <button
                type="button"
                className="icon bad"
                aria-label={t('removeNamed', { name })}
                onClick={() => apply({ op: 'removeField', fieldId: field.id })}
              >
                ✕
              </button>
            </div>
          )}
        </div>
      )}
      {field.type === 'group' && (
        <div className="group" data-kind="field">
          <FieldList fields={field.fields ?? []} place={{ parent: field.id }} />
        </div>
      )}
    </li>
  );
});

interface NamedField {
  readonly field: FieldJson;
  readonly name: string;
}

/** It asks for the form when it is used: a grip that rendered with each change would cost each letter. */
function FieldGrip({ field, name }: NamedField): ReactNode {
  const { t } = useWording();
  const { apply, handle } = useEditor();
  const standing = (): Standing | undefined => standingOf(handle.form, field.id);
  const step = (by: -1 | 1): void => {
    const operation = stepOf(handle.form, field.id, by);
    if (operation !== undefined) apply(operation);
  };
  return (
    <Grip
      kind="field"
      id={field.id}
      name={name}
      place={() => {
        const { index = 0, siblings = [], page = 0 } = standing() ?? {};
        return t('placeOnPage', { number: index + 1, count: siblings.length, page: page + 1 });
      }}
      up={() => step(-1)}
      down={() => step(1)}
      remember={() => {
        const before = standing();
        return () => {
          if (before === undefined) return;
          const after = before.siblings[before.index - 1]?.id ?? null;
          apply({ op: 'moveField', fieldId: field.id, ...before.place, after });
        };
      }}
      drop={({ list, after }) => {
        const now = standing();
        const isThere = now !== undefined && listOf(now.place) === list;
        // Behind itself or behind the one before it: it stands there.
        if (isThere && (after === field.id || after === (now.siblings[now.index - 1]?.id ?? null))) return;
        apply({ op: 'moveField', fieldId: field.id, ...placeOf(list), after });
      }}
    />
  );
}

function FieldSteps({ field, name }: NamedField): ReactNode {
  const { apply } = useEditor();
  const form = useFormNow();
  const [up, down] = [stepOf(form, field.id, -1), stepOf(form, field.id, 1)];
  return (
    <MoveButtons
      name={name}
      onUp={up === undefined ? undefined : () => apply(up)}
      onDown={down === undefined ? undefined : () => apply(down)}
    />
  );
}
