/** The app: it shows the page that its address names. */
import { StrictMode, Suspense, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { config } from 'zod';
import { LanguageProvider, useWording } from './app/language.js';
import { FailureGuard } from './parts/failure-guard.js';
import { Shell } from './parts/shell.js';
import { ROUTES } from './routes.js';
import './style/base.css';

// Schemas are interpreted: the content security policy takes no code that was made at run time.
config({ jitless: true });

function Page({ path }: { readonly path: string }): ReactNode {
  const below = path.replace(/^\/app\/?/, '').replace(/\/$/, '');
  for (const { path: pattern, Page: Shown } of ROUTES) {
    const found = pattern.exec(below);
    if (found !== null) return <Shown formId={found.groups?.['id'] ?? ''} />;
  }
  return <NotFound />;
}

function NotFound(): ReactNode {
  const { t } = useWording();
  return (
    <Shell title={t('notFound')}>
      <div className="narrow">
        <h1>{t('notFound')}</h1>
        <p>
          <a href="/app/">{t('forms')}</a>
        </p>
      </div>
    </Shell>
  );
}

const root = document.getElementById('root');
if (root === null) throw new Error('The page has no root.');
createRoot(root).render(
  <StrictMode>
    <LanguageProvider>
      <FailureGuard>
        <Suspense fallback={<div className="loading" />}>
          <Page path={location.pathname} />
        </Suspense>
      </FailureGuard>
    </LanguageProvider>
  </StrictMode>,
);
