/**
 * Whether a button that widens may be pressed yet. Guarantees: it stood still, in a window that did not just come to the
 * front, for as long as a person needs to see it; so a program that asks at the moment of a click, or a second click
 * meant for what stood there before, allows nothing. Does not protect against: another program that moves the pointer.
 */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

/** Longer than a double click, and than it takes to stop a finger; too short to be in the way. */
const settleMs = 700;

export function useSettled(element: React.RefObject<HTMLElement | null>, isNeeded: boolean): boolean {
  const [isSettled, setSettled] = useState(!isNeeded);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const place = useRef('');

  const restart = useCallback(() => {
    clearTimeout(timer.current);
    if (!isNeeded) return;
    setSettled(false);
    timer.current = setTimeout(() => setSettled(true), settleMs);
  }, [isNeeded]);

  // After each drawing of the window: whatever changed anywhere may have moved it.
  useLayoutEffect(() => {
    const { left, top } = element.current?.getBoundingClientRect() ?? { left: 0, top: 0 };
    const now = `${Math.round(left)},${Math.round(top)}`;
    if (now === place.current) return;
    place.current = now;
    restart();
  });
  useEffect(() => {
    // Anew where React mounts twice to find mistakes: the first clean-up stopped the timer.
    restart();
    window.addEventListener('focus', restart);
    document.addEventListener('visibilitychange', restart);
    return () => {
      clearTimeout(timer.current);
      window.removeEventListener('focus', restart);
      document.removeEventListener('visibilitychange', restart);
    };
  }, [restart]);
  return isSettled;
}
