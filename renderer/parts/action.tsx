import { useEffect, useRef, useState } from 'react';
import { Button } from 'react-aria-components';
import { plain } from '../../main/contract/plain.ts';
import { useSettled } from './settled.ts';

interface ActionProps {
  readonly look?: 'primary' | 'quiet';
  /** It takes the focus when it comes, and when it becomes the one. */
  readonly autoFocus?: boolean;
  /** It gives something to a program: it has to stand still before it can be pressed. */
  readonly widens?: boolean;
  /** What a reader hears where the visible words do not say which one is meant. */
  readonly label?: string;
  readonly onAct: () => Promise<unknown>;
  readonly children: React.ReactNode;
}

/** A button whose work may be refused: it says why, beside itself, and can be pressed again. */
export function Action({ look = 'quiet', autoFocus = false, widens = false, label, onAct, children }: ActionProps) {
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const settled = useSettled(button, widens);
  useEffect(() => {
    if (autoFocus) button.current?.focus();
  }, [autoFocus]);
  const act = async (): Promise<void> => {
    if (busy || !settled) return;
    setBusy(true);
    setFailure(null);
    try {
      await onAct();
    } catch (error) {
      setFailure(error instanceof Error ? error.message : 'Something broke. Try again.');
    }
    setBusy(false);
  };
  return (
    <>
      <Button
        ref={button}
        className={`button ${look}${busy ? ' busy' : ''}`}
        isDisabled={!settled}
        onPress={() => void act()}
        {...(label === undefined ? {} : { 'aria-label': label })}
      >
        {children}
      </Button>
      {failure !== null && (
        <span className="failure" role="alert">
          {plain(failure)}
        </span>
      )}
    </>
  );
}
