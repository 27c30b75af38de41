/** Tiptap (ProseMirror) on a Y.XmlFragment: the published collaboration extension, and carets from awareness. */
import { Editor, Extension } from '@tiptap/core';
import Bold from '@tiptap/extension-bold';
import Collaboration from '@tiptap/extension-collaboration';
import Document from '@tiptap/extension-document';
import Heading from '@tiptap/extension-heading';
import Paragraph from '@tiptap/extension-paragraph';
import Text from '@tiptap/extension-text';
import type { Plugin } from '@tiptap/pm/state';
import { yCursorPlugin } from '@tiptap/y-tiptap';
import { connect, type Connection } from 'formloom/client';
import { name, showState, url } from '../page-state.js';

const connection = connect({ url, user: name }).open('example-article');
showState(connection);
connection.awareness?.setLocalStateField('user', { name, color: '#a61e4d' });
await connection.synced();

new Editor({
  element: document.querySelector('#editor'),
  extensions: [
    Document,
    Paragraph,
    Text,
    Bold,
    Heading,
    Collaboration.configure({ document: connection.doc, field: 'body' }),
    carets(connection),
  ],
});

function carets({ awareness }: Connection): Extension {
  return Extension.create({
    name: 'carets',
    addProseMirrorPlugins: (): Plugin[] =>
      awareness === undefined ? [] : [yCursorPlugin(awareness, { cursorBuilder: caret }) as Plugin],
  });
}

/** The server writes who somebody is into `user`: nobody can pass for somebody else. */
function caret(user: { readonly id?: string; readonly name?: string }): HTMLElement {
  const element = document.createElement('span');
  element.className = 'caret';
  element.dataset['name'] = user.name ?? user.id ?? 'somebody';
  return element;
}
