/** Documents: those that are open by what they cost, then the others. */
import type { ReactNode } from 'react';
import { useWording } from '../../app/language.js';
import { figure } from '../../charts/format.js';
import { Moment } from '../../parts/shell.js';
import { usePolled, type List } from '../polled.js';
import { Table } from '../table.js';

interface DocumentRow {
  readonly name: string;
  readonly bytes: number;
  readonly updates: number;
  readonly connections: number;
  readonly changedAt: string;
}
interface Cost {
  readonly document: string;
  readonly cost: number;
  readonly cpuMs: number;
  readonly health: number;
  readonly reasons: readonly string[];
}
const WELL = 80;
const POOR = 50;

interface DocumentsProps {
  readonly chosen: string | undefined;
  readonly onChoose: (name: string) => void;
}

export function Documents({ chosen, onChoose }: DocumentsProps): ReactNode {
  const { t, language } = useWording();
  const { data, error } = usePolled<List<DocumentRow>>('/documents?limit=100');
  const costs = usePolled<List<Cost>>('/optimization/documents?limit=200');
  const byName = new Map(costs.data?.data.map((cost) => [cost.document, cost]));
  const rows = [...(data?.data ?? [])].sort(
    (a, b) => (byName.get(b.name)?.cost ?? -1) - (byName.get(a.name)?.cost ?? -1),
  );
  return (
    <Table
      title={t('documents')}
      heads={[
        ...[t('name'), t('cost'), t('cpuTime'), t('documentHealth'), t('size1')],
        ...[t('updates'), t('connections'), t('lastChange')],
      ]}
      error={error ?? costs.error}
      isEmpty={data?.data.length === 0}
    >
      {rows.map((document) => {
        const cost = byName.get(document.name);
        return (
          <tr key={document.name} className={document.name === chosen ? 'chosen' : ''}>
            <th scope="row">
              <button
                type="button"
                className="link"
                aria-pressed={document.name === chosen}
                onClick={() => onChoose(document.name)}
              >
                {document.name}
              </button>
            </th>
            <td>{figure(cost?.cost, 'percent', language)}</td>
            <td>{figure(cost?.cpuMs, 'ms', language)}</td>
            <td>{cost === undefined ? '–' : <DocumentHealth {...cost} />}</td>
            <td>{figure(document.bytes, 'bytes', language)}</td>
            <td>{document.updates}</td>
            <td>{document.connections}</td>
            <td>
              <Moment at={document.changedAt} />
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

function DocumentHealth({ health, reasons }: Pick<Cost, 'health' | 'reasons'>): ReactNode {
  const look = health >= WELL ? 'added' : health >= POOR ? 'moved' : 'removed';
  return (
    <>
      <span className={`badge ${look}`}>{Math.round(health)}</span> <span className="muted">{reasons.join(', ')}</span>
    </>
  );
}
