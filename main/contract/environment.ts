/**
 * What a program that we start is told of our own environment: the names listed here, with values of the form that each has. Guarantees:
 * nothing passes that loads code, starts a program or leads traffic (LD_*, NODE_*, ELECTRON_*, GTK_*, proxies, a bus address that is no
 * Unix socket), whoever made the environment. Trusts: nothing in it. Does not protect against: a home or a folder of configuration that
 * whoever started us has chosen.
 */
type Environment = Readonly<Record<string, string | undefined>>;

const place = /^\/[^\p{Cc}]{0,1023}$/u;
const word = /^[\w.@:+\\-]{1,128}$/;
const locale = /^[\w.@:-]{1,64}$/;

const localeForms: Readonly<Record<string, RegExp>> = {
  LANG: locale,
  LANGUAGE: locale,
  ...Object.fromEntries(
    ['ALL', 'CTYPE', 'NUMERIC', 'TIME', 'COLLATE', 'MONETARY', 'MESSAGES', 'PAPER', 'MEASUREMENT'].map((category) => [
      `LC_${category}`,
      locale,
    ]),
  ),
  // A zone's name or its rules: a place would be read as a file.
  TZ: /^(?!.*\.\.)[A-Za-z<][\w+/,.<>:-]{0,63}$/,
};

const sessionForms: Readonly<Record<string, RegExp>> = {
  ...localeForms,
  HOME: place,
  USER: word,
  LOGNAME: word,
  XDG_RUNTIME_DIR: place,
  XDG_CONFIG_HOME: place,
  XDG_STATE_HOME: place,
  XDG_CURRENT_DESKTOP: word,
  XDG_SESSION_DESKTOP: word,
  XDG_SESSION_TYPE: word,
  KDE_FULL_SESSION: word,
  KDE_SESSION_VERSION: word,
  // A host would send the windows, the person's consent with them, to another machine.
  DISPLAY: /^(unix|localhost)?:\d{1,5}(\.\d{1,3})?$/,
  WAYLAND_DISPLAY: /^[\w./-]{1,107}$/,
  XAUTHORITY: place,
  // A bus can also be given as a program to run (unixexec:) or a host.
  DBUS_SESSION_BUS_ADDRESS: /^unix:(path|abstract)=[\w./%*@+-]{1,107}(,guid=[0-9a-f]{1,64})?$/,
};

/** For what talks to no person: language and time zone. */
export function localeOf(environment: Environment): Record<string, string> {
  return formed(localeForms, environment);
}

/** For what shows itself to the person: also who and where they are, their screen and their bus. No PATH. */
export function sessionOf(environment: Environment): Record<string, string> {
  return formed(sessionForms, environment);
}

function formed(forms: Readonly<Record<string, RegExp>>, environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(forms).flatMap(([name, form]) => {
      const value = environment[name];
      return value !== undefined && form.test(value) ? [[name, value] as const] : [];
    }),
  );
}
