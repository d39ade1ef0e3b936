import { expect, it } from 'vitest';
import { refuseForeignCode } from './foreign-code.ts';

it.each(['LD_PRELOAD', 'LD_AUDIT', 'DYLD_INSERT_LIBRARIES', 'NODE_OPTIONS'])('refuses %s', (name) => {
  expect(() => refuseForeignCode({ [name]: '/planted' }, undefined)).toThrow(
    expect.objectContaining({ code: 'protection_missing', message: expect.stringContaining(name) as string }),
  );
});

it('refuses an open inspector', () => {
  expect(() => refuseForeignCode({}, 'ws://127.0.0.1:9229/x')).toThrow(
    expect.objectContaining({ code: 'protection_missing' }),
  );
});

it('takes what a desktop gives, and empty names', () => {
  refuseForeignCode({ HOME: '/home/a', DISPLAY: ':0', LD_PRELOAD: '', LD_LIBRARY_PATH: '/opt/lib' }, undefined);
});
