/** CodeMirror 6 on a Y.Text, with the cursors of everybody: `y-codemirror.next` gets what it gets from any provider. */
import { basicSetup, EditorView } from 'codemirror';
import { connect } from 'formloom/client';
import { yCollab } from 'y-codemirror.next';
import { name, showState, url } from '../page-state.js';

const connection = connect({ url, user: name }).open('example-code');
showState(connection);
connection.awareness?.setLocalStateField('user', { name, color: '#0b7285', colorLight: '#0b728533' });
await connection.synced();

const text = connection.doc.getText('code');
new EditorView({
  doc: text.toString(),
  extensions: [basicSetup, yCollab(text, connection.awareness)],
  parent: document.querySelector('#editor') ?? document.body,
});
