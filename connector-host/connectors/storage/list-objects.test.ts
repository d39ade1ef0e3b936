/** What a list is labelled: by the one area that all of it lies in, or by none. */
import { expect, it } from 'vitest';
import { listObjects } from './list-objects.ts';
import { parseSettings } from './settings.ts';

const settings = parseSettings({
  buckets: ['reports', 'archive'],
  areas: [
    { prefix: 'shared/', name: 'shared' },
    { prefix: 'shared/people/', name: 'people' },
    { prefix: 'shared/people/public/', name: 'public' },
    { bucket: 'archive', prefix: 'shared/old/', name: 'old' },
    { bucket: 'reports', prefix: 'own/', name: 'own' },
    { bucket: 'archive', prefix: 'own/', name: 'other' },
  ],
});
const call = { fetch: () => Promise.reject(new Error('nothing is asked before a row is wanted')) };

it.each([
  ['an area', 'reports', 'shared/2026/', 'shared'],
  ['an area as a whole, with another one in it', 'reports', 'shared/', undefined],
  ['the area in it, with one more in that', 'reports', 'shared/people/', undefined],
  ['the innermost', 'reports', 'shared/people/public/', 'public'],
  ['below the innermost', 'reports', 'shared/people/public/x', 'public'],
  ['beside the one in it', 'reports', 'shared/people/private/', 'people'],
  ['how two begin, one in the other', 'reports', 'shared/people/pub', undefined],
  ['half the name of an area', 'reports', 'shared/peo', undefined],
  ['what begins like one and is none', 'reports', 'shared/peoples/', 'shared'],
  ['what no area has', 'reports', 'else/', undefined],
  ['everything', 'reports', '/', undefined],
  ['an area that is another bucket’s', 'reports', 'shared/old/', 'shared'],
  ['the same in that bucket', 'archive', 'shared/old/', 'old'],
  ['above it in that bucket', 'archive', 'shared/o', undefined],
  ['above it in this one', 'reports', 'shared/o', 'shared'],
  ['one prefix of two buckets', 'reports', 'own/', 'own'],
  ['the other one', 'archive', 'own/', 'other'],
])('of %s', (...[, bucket, prefix, area]) => {
  for (const delimiter of [undefined, '/'] as const) {
    const listing = { ...call, arguments: { bucket, prefix, ...(delimiter && { delimiter }) } };
    const { columns } = listObjects(listing as unknown as Parameters<typeof listObjects>[0], settings);
    expect(columns.map(({ source }) => source)).toEqual(
      ['key', 'kind', 'bytes', 'modified'].map((column) => (area === undefined ? undefined : `${area}.${column}`)),
    );
  }
});
