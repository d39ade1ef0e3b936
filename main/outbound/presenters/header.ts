/** RFC 6750 bearer tokens, and keys in a header of the service's own. */
import { insertion, type Presenter } from './presenter.ts';

export const bearer: Presenter = presentIn('authorization', 'Bearer ');

export const apiKey = (header = 'x-api-key'): Presenter => presentIn(header, '');

function presentIn(header: string, before: string): Presenter {
  return {
    own: [header],
    needsBody: false,
    refusals: [401],
    present: (_, { password }) => {
      const inserted = insertion(password);
      return { headers: [[header, `${before}${inserted.mark}`]], insertions: [inserted] };
    },
  };
}
