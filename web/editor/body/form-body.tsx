/** The form itself: its title, its pages, their fields. */
import type { ReactNode } from 'react';
import type { PageJson } from '../../../crdt/form/form-json.js';
import { newId } from '../../../crdt/form/operations/operations.js';
import { textIn, useWording } from '../../app/language.js';
import { useEditor, useFormNow } from '../editor-context.js';
import { RichText } from '../texts/rich-text.js';
import { TextInput } from '../texts/text-input.js';
import { FieldList } from './field-list.js';
import { MoveButtons } from './move-buttons.js';

export function FormBody(): ReactNode {
  const { t } = useWording();
  const { apply, isReadOnly, select } = useEditor();
  const form = useFormNow();
  return (
    <div className="form-body">
      <div className="card form-head" onFocus={() => select(null)}>
        <TextInput target="form" property="title" label={t('formTitle')} className="title" isWrapped />
        <RichText target="form" property="description" label={t('formDescription')} />
      </div>
      {form.pages.map((page, index) => (
        <PageSection key={page.id} page={page} index={index} />
      ))}
      {!isReadOnly && (
        <button
          type="button"
          className="add-page"
          onClick={() => apply({ op: 'addPage', page: { id: newId(), title: {}, description: {}, fields: [] } })}
        >
          + {t('addPage')}
        </button>
      )}
    </div>
  );
}

function PageSection({ page, index }: { readonly page: PageJson; readonly index: number }): ReactNode {
  const { t } = useWording();
  const { apply, isReadOnly, language } = useEditor();
  const form = useFormNow();
  const name = t('pageNumber', { number: index + 1 });
  const before = form.pages[index - 2]?.id ?? null;
  const after = form.pages[index + 1]?.id;
  const title = textIn(page.title, language);
  return (
    <section className="page" aria-label={title === '' ? name : `${name}: ${title}`} data-kind="field">
      <div className="page-head">
        <span className="page-number">{name}</span>
        <TextInput target={`pages/${page.id}`} property="title" label={t('pageTitle')} className="page-title" />
        {!isReadOnly && (
          <MoveButtons
            name={name}
            onUp={index === 0 ? undefined : () => apply({ op: 'movePage', pageId: page.id, after: before })}
            onDown={after === undefined ? undefined : () => apply({ op: 'movePage', pageId: page.id, after })}
          />
        )}
        {!isReadOnly && form.pages.length > 1 && page.fields.length === 0 && (
          <button
            type="button"
            className="icon"
            aria-label={t('removeNamed', { name })}
            onClick={() => apply({ op: 'removePage', pageId: page.id })}
          >
            ✕
          </button>
        )}
      </div>
      <RichText target={`pages/${page.id}`} property="description" label={t('pageDescription')} />
      <FieldList fields={page.fields} place={{ page: page.id }} />
    </section>
  );
}
