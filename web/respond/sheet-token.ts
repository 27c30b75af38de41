/** The token of one sheet. Sheets may be open for longer than their tokens last, and open without a network to get one. */
import { resumeSubmission } from '../../client/index.js';
import { server } from '../app/session.js';

/** A token that was got within this time is not got again. */
const FRESH_MS = 60_000;

export class SheetToken {
  #gotAt = Date.now();

  /**
   * @param current null where none is needed; undefined as long as there was no network to get it
   * @param resumeToken gets another one
   */
  constructor(
    private current: string | null | undefined,
    private readonly resumeToken: string,
  ) {}

  get isNeeded(): boolean {
    return this.current !== null;
  }

  /** As it is known; for requests that are not worth getting one. */
  get known(): string | undefined {
    return this.current ?? undefined;
  }

  /** Asked before each attempt to connect. @throws what the request throws: the attempt has failed */
  readonly get = async (): Promise<string | undefined> => {
    const isGood = this.current !== undefined && (Date.now() - this.#gotAt < FRESH_MS || this.resumeToken === '');
    if (this.current !== null && !isGood) {
      this.current = (await resumeSubmission(server(), this.resumeToken)).token;
      this.#gotAt = Date.now();
    }
    return this.known;
  };
}
