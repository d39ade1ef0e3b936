import { z } from 'zod';

const empty = z.strictObject({});

/** Between `channel.test.ts` (a) and its children (b). */
export const childContract = {
  name: 'test-child',
  a: {
    notices: { text: z.strictObject({ text: z.string() }) },
    requests: {
      descriptors: { params: empty, result: z.strictObject({ fds: z.array(z.string()) }) },
      memory: { params: empty, result: z.strictObject({ rssBytes: z.int() }) },
      never: { params: empty, result: empty },
      count: { params: empty, result: z.strictObject({ handOvers: z.int(), refused: z.int() }) },
    },
    streams: { echo: empty, stall: empty, swallow: empty },
  },
  b: { notices: {}, requests: {}, streams: {} },
} as const;
