/**
 * Moving by pointer: mouse, pen or finger. Things are dragged by their grips; lists say with `data-list` what may be put
 * into them and where, and items in them with `data-item` who they are. Nothing renders while something is dragged but the
 * mark that shows where it would go.
 */
import {
  createContext,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  type PointerEvent,
  type ReactNode,
} from 'react';

export interface Dragged {
  /** Lists of the same kind take it. */
  readonly kind: string;
  /** Of the item; undefined for something new. */
  readonly id: string | undefined;
  readonly label: string;
  readonly drop: (spot: Spot) => void;
}

export interface Spot {
  /** As `data-list` of the list has it. */
  readonly list: string;
  /** Id of the item before it; null where it becomes the first. */
  readonly after: string | null;
}

interface Mark {
  readonly left: number;
  readonly top: number;
  readonly width: number;
}

const THRESHOLD = 5;
const EDGE = 60;

type Begin = (event: PointerEvent, dragged: Dragged) => void;
const DragContext = createContext<Begin>(() => undefined);
export const useDrag = (): Begin => useContext(DragContext);

export function DragArea({ children }: { readonly children: ReactNode }): ReactNode {
  const [shown, setShown] = useState<{ readonly label: string; readonly mark: Mark | undefined }>();
  const ghost = useRef<HTMLDivElement>(null);
  const stop = useRef<() => void>();
  useEffect(() => () => stop.current?.(), []);
  const begin = useMemo<Begin>(
    () => (event, dragged) => {
      if (event.button !== 0) return;
      stop.current?.();
      const start = { x: event.clientX, y: event.clientY };
      let at = start;
      let isMoving = false;
      let spot: Spot | undefined;
      let frame = 0;
      const look = (): void => {
        const found = spotAt(at.x, at.y, dragged);
        spot = found?.spot;
        setShown({ label: dragged.label, mark: found?.mark });
        if (ghost.current !== null) ghost.current.style.transform = `translate(${at.x + 14}px, ${at.y + 10}px)`;
        const step = at.y < EDGE + 60 ? -12 : at.y > innerHeight - EDGE ? 12 : 0;
        if (step !== 0) scrollBy(0, step);
        frame = requestAnimationFrame(look);
      };
      const onMove = (move: globalThis.PointerEvent): void => {
        at = { x: move.clientX, y: move.clientY };
        if (isMoving || Math.hypot(at.x - start.x, at.y - start.y) < THRESHOLD) return;
        isMoving = true;
        document.body.classList.add('dragging');
        look();
      };
      const end = (): void => {
        cancelAnimationFrame(frame);
        document.body.classList.remove('dragging');
        removeEventListener('pointermove', onMove);
        removeEventListener('pointerup', onUp);
        removeEventListener('pointercancel', end);
        removeEventListener('keydown', onKey, true);
        stop.current = undefined;
        setShown(undefined);
      };
      const onUp = (up: globalThis.PointerEvent): void => {
        if (isMoving) spot = spotAt(up.clientX, up.clientY, dragged)?.spot;
        const target = isMoving ? spot : undefined;
        if (isMoving) addEventListener('click', swallow, { capture: true, once: true });
        // A press without a move is a click, which comes after this and is nobody's to swallow.
        setTimeout(() => removeEventListener('click', swallow, { capture: true }));
        end();
        if (target !== undefined) dragged.drop(target);
      };
      const onKey = (key: KeyboardEvent): void => {
        if (key.key !== 'Escape') return;
        key.stopPropagation();
        end();
      };
      addEventListener('pointermove', onMove);
      addEventListener('pointerup', onUp);
      addEventListener('pointercancel', end);
      addEventListener('keydown', onKey, true);
      stop.current = end;
    },
    [],
  );
  return (
    <DragContext.Provider value={begin}>
      {children}
      {shown !== undefined && (
        <>
          <div ref={ghost} className="drag-ghost" aria-hidden="true">
            {shown.label}
          </div>
          {shown.mark !== undefined && (
            <div className="drag-mark" aria-hidden="true" ref={(line) => place(line, shown.mark)} />
          )}
        </>
      )}
    </DragContext.Provider>
  );
}

const swallow = (event: Event): void => {
  event.stopPropagation();
  event.preventDefault();
};

function place(line: HTMLElement | null, mark: Mark | undefined): void {
  if (line === null || mark === undefined) return;
  line.style.transform = `translate(${mark.left}px, ${mark.top}px)`;
  line.style.width = `${mark.width}px`;
}

/** The list below the pointer, and the items that it would come to stand between. */
function spotAt(x: number, y: number, { kind, id }: Dragged): { spot: Spot; mark: Mark } | undefined {
  const below = document.elementsFromPoint(x, y).find((element) => element.closest('[data-list]') !== null);
  const area = below?.closest<HTMLElement>(`[data-kind="${kind}"]`);
  const list =
    area?.matches('[data-list]') === true ? area : area?.querySelector<HTMLElement>(`[data-list][data-kind="${kind}"]`);
  if (list === null || list === undefined) return undefined;
  // Nothing can be put into itself.
  if (id !== undefined && list.closest(`[data-item="${id}"]`) !== null) return undefined;
  const items = [...list.children].filter(
    (child): child is HTMLElement => child instanceof HTMLElement && 'item' in child.dataset,
  );
  const frame = list.getBoundingClientRect();
  let after: string | null = null;
  let top = items[0]?.getBoundingClientRect().top ?? frame.top + 4;
  for (const item of items) {
    const box = item.getBoundingClientRect();
    if (y < box.top + box.height / 2) break;
    after = item.dataset['item'] ?? null;
    top = box.bottom + 4;
  }
  return { spot: { list: list.dataset['list'] ?? '', after }, mark: { left: frame.left, top, width: frame.width } };
}
