import { plain } from '../text.ts';

/** Text that a program or a backend chose: never markup, never a link, and kept from reordering what stands around it. */
export function Foreign({ text, most = 80 }: { readonly text: string; readonly most?: number }) {
  const whole = plain(text);
  return (
    <bdi className="foreign" {...(whole.length > most ? { title: whole } : {})}>
      {plain(text, most)}
    </bdi>
  );
}
