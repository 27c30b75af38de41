/** Which page an address shows. Each is loaded for itself, so that respondents load no editor. */
import { lazy, type ComponentType, type LazyExoticComponent } from 'react';

interface PageProps {
  /** Of the form that the address names; empty where it names none. */
  readonly formId: string;
}

export interface Route {
  /** Below `/app/`, without a slash at its end. A group named `id` is the form. */
  readonly path: RegExp;
  readonly Page: LazyExoticComponent<ComponentType<PageProps>>;
}

const ID = '(?<id>[A-Za-z0-9_-]{1,64})';

export const ROUTES: readonly Route[] = [
  { path: /^$/, Page: lazy(() => import('./forms/forms-page.js')) },
  { path: new RegExp(`^forms/${ID}$`), Page: lazy(() => import('./editor/editor-page.js')) },
  { path: new RegExp(`^forms/${ID}/analytics$`), Page: lazy(() => import('./analytics/analytics-page.js')) },
  { path: new RegExp(`^r/${ID}$`), Page: lazy(() => import('./respond/respond-page.js')) },
  { path: /^operate$/, Page: lazy(() => import('./operate/operate-page.js')) },
];
