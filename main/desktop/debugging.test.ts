import { expect, it } from 'vitest';
import { forbiddenSwitch } from './debugging.ts';

const options = JSON.stringify({ lab: false, configFile: '/etc/--no-sandbox' });

it.each([
  ['--remote-debugging-port=0', 'remote-debugging-port'],
  ['--remote-debugging-pipe', 'remote-debugging-pipe'],
  ['--inspect-brk', 'inspect-brk'],
  ['--no-sandbox', 'no-sandbox'],
  ['--no-zygote', 'no-zygote'],
  ['--renderer-cmd-prefix=/tmp/evil', 'renderer-cmd-prefix'],
  ['--utility-cmd-prefix=/tmp/evil', 'utility-cmd-prefix'],
  ['--gpu-launcher=/tmp/evil', 'gpu-launcher'],
  ['--js-flags=--expose-gc', 'js-flags'],
  ['--disable-web-security', 'disable-web-security'],
  ['--host-rules=MAP * evil.example', 'host-rules'],
  ['--load-extension=/tmp/evil', 'load-extension'],
  ['--enable-features=Any', 'enable-features'],
  ['-no-sandbox', 'no-sandbox'],
  [' \t--no-sandbox', 'no-sandbox'],
  ['---no-sandbox', '-no-sandbox'],
  ['--no-such-switch', 'no-such-switch'],
  ['--LANG=en', 'LANG'],
])('a package does not start with %j', (argument, name) => {
  expect(forbiddenSwitch(true, [argument, options], undefined)).toBe(name);
  expect(forbiddenSwitch(true, ['--lang=en', '--', argument], undefined)).toBe(name);
});

it.each([
  '--lang=de',
  '--ozone-platform=wayland',
  '--force-device-scale-factor=2',
  '--inspect=0',
  '--',
  '-',
  options,
  '',
])('but with %j', (argument) => {
  expect(forbiddenSwitch(true, [argument], undefined)).toBeUndefined();
});

it('a checkout, and a test’s copy whose inspector is open, start with any', () => {
  expect(forbiddenSwitch(false, ['--no-sandbox'], undefined)).toBeUndefined();
  expect(forbiddenSwitch(true, ['--no-sandbox'], 'ws://127.0.0.1:1/x')).toBeUndefined();
});
