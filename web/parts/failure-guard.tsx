/** What React does when a page cannot be shown is to show nothing at all: here it says so, and can be tried again. */
import { Component, type ReactNode } from 'react';
import { messageOf } from '../app/hooks.js';
import { useWording } from '../app/language.js';
import { Problem } from './shell.js';

interface GuardProps {
  readonly children: ReactNode;
}

/** A part of the app that could not be loaded (the network, or a newer version of the app), or an error of the app itself. */
export class FailureGuard extends Component<GuardProps, { readonly failure?: { readonly cause: unknown } }> {
  override state: { readonly failure?: { readonly cause: unknown } } = {};

  static getDerivedStateFromError(cause: unknown): { readonly failure: { readonly cause: unknown } } {
    return { failure: { cause } };
  }

  override render(): ReactNode {
    const { failure } = this.state;
    return failure === undefined ? this.props.children : <Failed cause={failure.cause} />;
  }
}

function Failed({ cause }: { readonly cause: unknown }): ReactNode {
  const { t } = useWording();
  return (
    <main className="narrow">
      <h1>{t('pageFailed')}</h1>
      <Problem>{messageOf(cause)}</Problem>
      <button type="button" className="primary" onClick={() => location.reload()}>
        {t('reloadPage')}
      </button>
    </main>
  );
}
