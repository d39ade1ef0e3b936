/** What the person reads as the name of a program: what it says of itself, then what the kernel says it runs. */
const maxLabel = 200;
const maxClaim = 80;

export function programLabel(claimed: string | null, executable: string): string {
  const plain = (text: string): string => text.replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '').trim();
  const claim = plain((claimed ?? '').slice(0, maxClaim));
  const label = claim === '' ? plain(executable) : `${claim} (${plain(executable)})`;
  return label.slice(0, maxLabel) || 'unknown';
}
