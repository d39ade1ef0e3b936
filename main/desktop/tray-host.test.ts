import { expect, it } from 'vitest';
import { hasTrayHost } from './tray-host.ts';

it('nobody to ask means no: the window stays', async () => {
  expect(await hasTrayHost({})).toBe(false);
  expect(await hasTrayHost({ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere', PATH: '/usr/bin' })).toBe(false);
  expect(await hasTrayHost({ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere', PATH: '/nowhere' })).toBe(false);
});
