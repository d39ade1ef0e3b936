import { describe, expect, it } from 'vitest';
import { localeOf, sessionOf } from './environment.ts';

const session = {
  HOME: '/home/ada',
  USER: 'ada',
  LOGNAME: 'CORP\\ada',
  LANG: 'de_DE.UTF-8',
  LANGUAGE: 'de:en',
  LC_ALL: 'C.UTF-8',
  LC_TIME: 'sr_RS@latin',
  TZ: 'Europe/Berlin',
  XDG_RUNTIME_DIR: '/run/user/1000',
  XDG_CONFIG_HOME: '/home/ada/mine and yours',
  XDG_STATE_HOME: '/home/ädä/.state',
  XDG_CURRENT_DESKTOP: 'ubuntu:GNOME',
  XDG_SESSION_DESKTOP: 'plasma',
  XDG_SESSION_TYPE: 'wayland',
  KDE_FULL_SESSION: 'true',
  KDE_SESSION_VERSION: '6',
  DISPLAY: ':0.1',
  WAYLAND_DISPLAY: 'wayland-0',
  XAUTHORITY: '/run/user/1000/.mutter-Xwaylandauth.X',
  DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1000/bus,guid=0123456789abcdef',
};

describe('the environment of what we start', () => {
  it('has the person, their screen and their bus', () => {
    expect(sessionOf(session)).toEqual(session);
    expect(localeOf(session)).toEqual({
      LANG: 'de_DE.UTF-8',
      LANGUAGE: 'de:en',
      LC_ALL: 'C.UTF-8',
      LC_TIME: 'sr_RS@latin',
      TZ: 'Europe/Berlin',
    });
  });

  it.each([
    'LD_PRELOAD',
    'LD_LIBRARY_PATH',
    'LD_AUDIT',
    'NODE_OPTIONS',
    'NODE_EXTRA_CA_CERTS',
    'ELECTRON_RUN_AS_NODE',
    'ELECTRON_ENABLE_LOGGING',
    'GTK_MODULES',
    'GTK_PATH',
    'GIO_EXTRA_MODULES',
    'SSL_CERT_FILE',
    'OPENSSL_CONF',
    'https_proxy',
    'ALL_PROXY',
    'PATH',
    'BROWSER',
    'XDG_DATA_DIRS',
    'SALLYPORT_SOCKET',
    'LOCPATH',
    'LC_X',
    '__proto__',
  ])('never has %s', (name) => {
    const planted = Object.fromEntries([[name, 'C']]);
    expect(sessionOf(planted)).toEqual({});
    expect(localeOf(planted)).toEqual({});
  });

  it.each([
    ['HOME', 'relative'],
    ['HOME', '/home/ada\nLD_PRELOAD=/x'],
    ['HOME', `/${'a'.repeat(2000)}`],
    ['XDG_RUNTIME_DIR', ''],
    ['LANG', '../../tmp/x'],
    ['TZ', ':/tmp/zone'],
    ['TZ', 'A/../../../../tmp/zone'],
    ['USER', 'a b'],
    ['DISPLAY', ':0 x'],
    ['DISPLAY', 'elsewhere.example:0'],
    ['WAYLAND_DISPLAY', 'a'.repeat(108)],
    ['DBUS_SESSION_BUS_ADDRESS', 'unixexec:path=/tmp/planted'],
    ['DBUS_SESSION_BUS_ADDRESS', 'unix:path=/run/user/1000/bus;unixexec:path=/tmp/planted'],
    ['DBUS_SESSION_BUS_ADDRESS', 'tcp:host=10.0.0.1,port=1'],
  ])('has no %s of another form: %j', (name, value) => {
    expect(sessionOf({ [name]: value })).toEqual({});
  });
});
