/** Shows whether everything is saved: the state comes from the echo of the server, so "saved" means durable. */
import type { Connection } from 'formloom/client';

export function showState(connection: Connection): void {
  const element = document.querySelector('#state');
  const show = (): void => {
    if (element !== null) element.textContent = `${connection.state.status}, ${connection.saveState}`;
  };
  connection.on('state', show);
  connection.on('save', show);
  show();
}

/** As behind a reverse proxy: the server answers below a path of the page's own origin. */
export const url = `${location.origin}/formloom`;

/** Who this window is: `?name=ada`. With tokens, the server would know it better. */
export const name = new URLSearchParams(location.search).get('name') ?? 'somebody';
