export type Tone = 'good' | 'attention' | 'bad' | 'neutral';

/** A state in one word; its colour repeats the word and never replaces it. */
export function Chip({ tone, children }: { readonly tone: Tone; readonly children: React.ReactNode }) {
  return <span className={`chip ${tone}`}>{children}</span>;
}
