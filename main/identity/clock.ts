/** What this machine's clock and another's may differ by: the one bound of everything here that compares times. */
export const clockSkewMs = 60_000;

/** For the person: which clock says what, and the mend. */
export function clockWords(tokenMs: number, nowMs: number): string {
  const shown = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const direction = tokenMs > nowMs ? 'behind' : 'ahead of';
  return `This machine's clock says ${shown(nowMs)}, which seems ${direction} the identity provider's (${shown(tokenMs)}). Set the clock, best automatically, then sign in again.`;
}
