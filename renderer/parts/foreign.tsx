import { plain } from '../../main/contract/plain.ts';
import { elided } from '../text.ts';

/** Text that a program or a backend chose: never markup, never a link, and kept from reordering what stands around it. */
export function Foreign({ text, most = 80 }: { readonly text: string; readonly most?: number }) {
  const whole = plain(text);
  return (
    <bdi className="foreign" {...(whole.length > most ? { title: whole } : {})}>
      {plain(text, most)}
    </bdi>
  );
}

/** A path, whose end says most: where it is too long its middle goes. */
export function ForeignPath({ path, most }: { readonly path: string; readonly most: number }) {
  const whole = plain(path, 4096);
  return (
    <bdi className="foreign" {...(whole.length > most ? { title: whole } : {})}>
      {elided(whole, most)}
    </bdi>
  );
}
