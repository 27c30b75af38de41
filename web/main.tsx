/** Which page an address shows. Each is loaded for itself, so that respondents load no editor. */
import { lazy, StrictMode, Suspense, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { config } from 'zod';
import { LanguageProvider, useWording } from './app/language.js';
import { Shell } from './parts/shell.js';
import './style/base.css';
import './style/pages.css';

// Schemas are interpreted: the content security policy takes no code that was made at run time.
config({ jitless: true });

const FormsPage = lazy(() => import('./forms/forms-page.js'));
const EditorPage = lazy(() => import('./editor/editor-page.js'));
const RespondPage = lazy(() => import('./respond/respond-page.js'));
const OperatePage = lazy(() => import('./operate/operate-page.js'));

function Page({ path }: { readonly path: string }): ReactNode {
  const [area = '', id = '', ...rest] = path
    .replace(/^\/app\/?/, '')
    .replace(/\/$/, '')
    .split('/');
  if (area === '') return <FormsPage />;
  if (area === 'operate' && id === '') return <OperatePage />;
  if (/^[A-Za-z0-9_-]{1,64}$/.test(id) && rest.length === 0) {
    if (area === 'forms') return <EditorPage formId={id} />;
    if (area === 'r') return <RespondPage formId={id} />;
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
      <Suspense fallback={<div className="loading" />}>
        <Page path={location.pathname} />
      </Suspense>
    </LanguageProvider>
  </StrictMode>,
);
