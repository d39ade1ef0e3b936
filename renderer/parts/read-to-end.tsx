import { useLayoutEffect, useRef } from 'react';

interface ReadToEndProps {
  readonly label: string;
  readonly text: string;
  /** The last line was on the screen. */
  readonly onSeen: () => void;
}

/** All of them: what is long scrolls, by keys too, and cannot be approved before its end was there to be read. */
export function ReadToEnd({ label, text, onSeen }: ReadToEndProps) {
  const box = useRef<HTMLPreElement>(null);
  const look = (): void => {
    const { scrollTop, clientHeight, scrollHeight } = box.current ?? { scrollTop: 0, clientHeight: 0, scrollHeight: 1 };
    if (scrollTop + clientHeight >= scrollHeight - 2) onSeen();
  };
  useLayoutEffect(look);
  return (
    <pre ref={box} className="arguments" tabIndex={0} role="group" aria-label={label} dir="ltr" onScroll={look}>
      {text}
    </pre>
  );
}
