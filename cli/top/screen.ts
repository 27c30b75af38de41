/** A terminal that is drawn over and over: the alternate screen, so that what was there before comes back. */
import type { ReadStream, WriteStream } from 'node:tty';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const TO_END_OF_LINE = '\u001b[K';
const TO_END_OF_SCREEN = '\u001b[J';

export class Screen {
  readonly #leave: () => void;

  /** @param onQuit `q`, Escape or Ctrl-C */
  constructor(
    private readonly output: WriteStream,
    input: ReadStream,
    onQuit: () => void,
    onResize: () => void,
  ) {
    const onKey = (key: Buffer): void => {
      if (['q', 'Q', '\u0003', '\u001b'].includes(key.toString())) onQuit();
    };
    output.write(ENTER);
    output.on('resize', onResize);
    if (input.isTTY) {
      input.setRawMode(true);
      input.on('data', onKey);
      input.resume();
    }
    this.#leave = () => {
      output.off('resize', onResize);
      output.write(LEAVE);
      if (!input.isTTY) return;
      input.off('data', onKey);
      input.setRawMode(false);
      input.pause();
    };
  }

  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.output.rows);
    this.output.write(HOME + shown.map((line) => line + TO_END_OF_LINE).join('\r\n') + TO_END_OF_SCREEN);
  }

  close(): void {
    this.#leave();
  }
}
