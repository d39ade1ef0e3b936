import { useState } from 'react';
import { Button } from 'react-aria-components';
import { plain } from '../text.ts';

interface ActionProps {
  readonly look?: 'primary' | 'quiet' | 'danger';
  readonly autoFocus?: boolean;
  /** What a reader hears where the visible words do not say which one is meant. */
  readonly label?: string;
  readonly onAct: () => Promise<unknown>;
  readonly children: React.ReactNode;
}

/** A button whose work may be refused: it says why, beside itself, and can be pressed again. */
export function Action({ look = 'quiet', autoFocus = false, label, onAct, children }: ActionProps) {
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const act = async (): Promise<void> => {
    if (busy) return;
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
        className={`button ${look}${busy ? ' busy' : ''}`}
        autoFocus={autoFocus}
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
