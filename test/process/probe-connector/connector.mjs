// A connector that tries to get out, and misbehaves in every way a handler can.
import { attempt } from './attempt.mjs';

export const connector = {
  tools: {
    attempt: ({ arguments: given }) => attempt(given),
    echo: async ({ arguments: given, connect }) => {
      const stream = connect('database');
      stream.end(given.text);
      let text = '';
      for await (const piece of stream) text += piece;
      return { text };
    },
    wait: ({ signal, log }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          log.info('aborted');
          reject(signal.reason);
        });
      }),
    fail: async () => {
      throw new TypeError('a secret from a row');
    },
    large: async ({ arguments: { size } }) => ({ text: 'x'.repeat(size) }),
    noise: async ({ log }) => {
      for (let line = 0; line < 5000; line += 1) {
        log.info('noise '.repeat(1000));
        console.log('noise');
        process.stdout.write('noise\n');
      }
      return { done: true };
    },
    stray: async () => {
      setTimeout(() => {
        throw new Error('later');
      });
      return { done: true };
    },
  },
};
