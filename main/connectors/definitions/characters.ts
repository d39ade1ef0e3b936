/**
 * Characters that a person does not see, or takes for others. Guarantees: no control, direction-changing, invisible, private or
 * unassigned character passes, but for line ends, tabs and what joins emoji and scripts that need joiners; no word mixes
 * scripts or is written in letters that only look Latin (UTS #39). Does not protect against: look-alikes of one script (l and 1).
 */
import { wrongText, wrongWord } from '../../contract/plain-name.ts';

const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;
/** Taken out before: a tab, line ends, the emoji form of an emoji, joiners inside emoji and inside words of these scripts. */
const joining =
  /[\t\n]|\r(?=\n)|(?<=\p{Extended_Pictographic})\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}]\ufe0f?)\u200d(?=\p{Extended_Pictographic})|(?<=[\p{scx=Arab}\p{scx=Deva}\p{scx=Beng}\p{scx=Sinh}\p{scx=Mlym}])[\u200c\u200d](?=[\p{scx=Arab}\p{scx=Deva}\p{scx=Beng}\p{scx=Sinh}\p{scx=Mlym}])/gu;

/** Null, or where it is. */
export function hiddenCharacter(text: string): number | null {
  const kept = text.replaceAll(joining, (found) => 'x'.repeat(found.length));
  const at = kept.search(unseen);
  const piled = text.search(/\p{M}{5}/u);
  return at === -1 ? (piled === -1 ? null : piled) : at;
}

/** Letters of the alphabet in another form, that fold into it: mathematical, full-width, enclosed. */
const otherForm = /[\u{1d400}-\u{1d7ff}\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\u24b6-\u24e9\u{1f110}-\u{1f189}]/u;
/** As science writes them: µs, Δt, σ², π/2. */
const symbols = /^[ΔΣΩΠΦΨμπλσθφψδεβγ][a-zA-Z0-9²³]{0,3}$/;

/** In prose. Null, or the word. */
export function lookAlikeWord(text: string): string | null {
  const words = [...new Set(text.split(/[^\p{L}\p{M}\p{N}\p{Cf}]+/u))].map((word) => ({
    word,
    wrong: wrongWord(word),
  }));
  // Where whole other words are in a script, its letters are what they are.
  const isWritten = (script: RegExp): boolean =>
    words.some(({ word, wrong }) => word.length > 1 && wrong === null && script.test(word));
  const rightful = [/\p{sc=Cyrl}/u, /\p{sc=Grek}/u].filter(isWritten);
  const found = words.find(({ word, wrong }) => {
    if (symbols.test(word)) return false;
    if (otherForm.test(word) || wrong === 'mixed') return true;
    return wrong === 'imitates' && !rightful.some((script) => script.test(word));
  });
  return found?.word ?? null;
}

/** Of a tool or a parameter. Null, or what is wrong with it. */
export function wrongName(name: string): string | null {
  return wrongText('name', name);
}
