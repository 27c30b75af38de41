/** Updates of this node that wait for the log. A bound on memory while a store fails. */
export class Backlog {
  bytes = 0;

  constructor(readonly limitBytes: number) {}

  get isFull(): boolean {
    return this.bytes >= this.limitBytes;
  }
}
