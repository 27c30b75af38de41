/** What operators watch and turn: load, alerts, traffic, tuning, documents with their snapshots, backups, records. */
import { useState, type ReactNode } from 'react';
import { useWording } from '../app/language.js';
import { Shell } from '../parts/shell.js';
import { Backups } from './documents/backups.js';
import { Documents } from './documents/documents.js';
import { SnapshotPolicy } from './documents/snapshot-policy.js';
import { SnapshotsPanel } from './documents/snapshots-panel.js';
import { HealthCards } from './load/health-cards.js';
import { LoadCharts } from './load/load-charts.js';
import { useOperationsFeed } from './polled.js';
import { Breakers, DeadLetters } from './traffic/breakers.js';
import { Connections } from './traffic/connections.js';
import { Pools, Queues } from './traffic/limits.js';
import { TunerPanel } from './tuning/tuner.js';
import { AlertTable } from './watch/alerts.js';
import { Audit, SecurityEvents } from './watch/logs.js';
import '../style/operate.css';
import '../style/timeline.css';

const SECTIONS = [
  ['load', 'sectionLoad'],
  ['watch', 'sectionWatch'],
  ['stored', 'sectionStored'],
  ['traffic', 'sectionTraffic'],
  ['tuning', 'sectionTuning'],
  ['records', 'sectionRecords'],
] as const;

export default function OperatePage(): ReactNode {
  const { t } = useWording();
  const [chosen, setChosen] = useState<string>();
  useOperationsFeed();
  return (
    <Shell title={t('operate')}>
      <div className="wide operate">
        <header className="page-head">
          <h1>{t('operate')}</h1>
          <nav className="anchors" aria-label={t('sections')}>
            {SECTIONS.map(([id, word]) => (
              <a key={id} href={`#${id}`}>
                {t(word)}
              </a>
            ))}
          </nav>
        </header>
        <Section id="load" title={t('sectionLoad')}>
          <HealthCards />
          <LoadCharts />
        </Section>
        <Section id="watch" title={t('sectionWatch')}>
          <AlertTable />
        </Section>
        <Section id="stored" title={t('sectionStored')}>
          <div className="columns">
            <Documents chosen={chosen} onChoose={setChosen} />
            {chosen !== undefined && <SnapshotsPanel key={chosen} document={chosen} />}
          </div>
          <Backups />
          <SnapshotPolicy />
        </Section>
        <Section id="traffic" title={t('sectionTraffic')}>
          <Connections />
          <Pools />
          <Queues />
          <Breakers />
          <DeadLetters />
        </Section>
        <Section id="tuning" title={t('sectionTuning')}>
          <TunerPanel />
        </Section>
        <Section id="records" title={t('sectionRecords')}>
          <SecurityEvents />
          <Audit />
        </Section>
      </div>
    </Shell>
  );
}

interface SectionProps {
  readonly id: string;
  readonly title: string;
  readonly children: ReactNode;
}

function Section({ id, title, children }: SectionProps): ReactNode {
  return (
    <section id={id} tabIndex={-1} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  );
}
