import { Fault } from '../../contract/errors.ts';
import { classificationSchema, highestOf, labelKeywords } from '../../contract/labels.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Two descriptions of one place: the second one's words, the higher label, the only redaction. */
export function bothAbout(inner: Schema, about: Schema): Schema {
  const labels = [inner, about].flatMap((each) => {
    const { data } = classificationSchema.safeParse(each[labelKeywords.classification]);
    return data === undefined ? [] : [data];
  });
  const rules = new Set(
    [inner, about].map((each) => each[labelKeywords.redaction]).filter((rule) => rule !== undefined),
  );
  if (rules.size > 1) throw new Fault('malformed', 'it has two redactions at one place');
  return { ...inner, ...about, ...(labels.length === 0 ? {} : { [labelKeywords.classification]: highestOf(labels) }) };
}
