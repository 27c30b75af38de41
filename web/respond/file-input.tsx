/** Files go to the server at once; the answer holds what they are called there. */
import { useRef, type ReactNode } from 'react';
import { isRow } from '../../crdt/submission/sheet-logic.js';
import { useTask } from '../app/hooks.js';
import { useWording } from '../app/language.js';
import { ownName, token as ownToken } from '../app/session.js';
import { OwnWords } from '../parts/own-words.js';
import { Problem } from '../parts/shell.js';
import type { AnswerInputProps } from './answer-input.js';
import { useSheet } from './sheet-context.js';

interface Uploaded {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
}

export function FileInput({
  field,
  id,
  value,
  isEnabled,
  isWrong,
  describedBy,
  onAnswer,
}: AnswerInputProps): ReactNode {
  const { t } = useWording();
  const { upload } = useSheet();
  const { run, isBusy, error } = useTask();
  const files = Array.isArray(value) ? value : [];
  // An upload takes a while: the file joins the answer as it is then, not as it was when the upload began.
  const latest = useRef({ files, onAnswer });
  latest.current = { files, onAnswer };
  const send = async (file: File): Promise<void> => {
    const { formId, id: submissionId } = upload.handle;
    const body = new FormData();
    body.append('fieldId', field.id);
    body.append('file', file);
    const bearer = upload.token.known ?? ownToken;
    const answer = await fetch(`/api/v1/forms/${formId}/submissions/${submissionId}/files`, {
      method: 'POST',
      headers: bearer === undefined ? { 'x-user': ownName() } : { authorization: `Bearer ${bearer}` },
      body,
    });
    const result = (await answer.json()) as Uploaded & { detail?: string };
    if (!answer.ok) throw new Error(result.detail ?? answer.statusText);
    const now = latest.current;
    now.onAnswer([...now.files, { id: result.id, name: result.name, type: result.type, bytes: result.bytes }]);
  };
  return (
    <>
      {files.length > 0 && (
        <ul className="file-list">
          {files.map((file, index) => {
            const name = isRow(file) && typeof file['name'] === 'string' ? file['name'] : String(index + 1);
            return (
              <li key={index}>
                <bdi>{name}</bdi>
                <button
                  type="button"
                  className="icon"
                  aria-label={t('removeNamed', { name })}
                  onClick={() => onAnswer(files.length === 1 ? null : files.filter((_, i) => i !== index))}
                >
                  ✕
                </button>
              </li>
            );
          })}
        </ul>
      )}
      <input
        id={id}
        type="file"
        accept={field.validation.accept?.join(',')}
        disabled={!isEnabled || isBusy}
        aria-invalid={isWrong}
        aria-describedby={describedBy}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = '';
          if (file !== undefined) run(() => send(file));
        }}
      />
      {isBusy && (
        <p role="status">
          <OwnWords>{t('uploading')}</OwnWords>
        </p>
      )}
      <Problem>{error}</Problem>
    </>
  );
}
