/** As the list of snapshots of a document has it. */
export interface Snapshot {
  readonly id: string;
  readonly label: string;
  readonly kind: 'manual' | 'automatic' | 'publish' | 'before-restore';
  readonly createdAt: string;
  readonly createdBy: string;
}
