// Root never runs the product: it makes a user of its own for it, with nothing but a home.
import fs from 'node:fs';
import path from 'node:path';
import { run } from './programs.mjs';
import { Problem, step } from './report.mjs';

/** @typedef {{ readonly name: string, readonly uid: number, readonly gid: number, readonly home: string }} Person */

const name = 'sallyport';
const home = '/var/lib/sallyport';

/** @returns {Promise<Person>} */
export async function ensureMadeUser() {
  const person = findMadeUser() ?? (await makeUser());
  const folder = runtimeFolder(person);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.chownSync(folder, person.uid, person.gid);
  return person;
}

/** @returns {Promise<Person>} */
function makeUser() {
  return step(`making the system user ${name}`, async () => {
    const args = [
      '--system',
      '--user-group',
      '--create-home',
      '--home-dir',
      home,
      '--shell',
      '/usr/sbin/nologin',
      name,
    ];
    const { code, output } = await run('useradd', args);
    const made = findMadeUser();
    if (code !== 0 || !made) throw new Problem(`useradd could not make the user ${name}: ${output.trim()}`);
    fs.chmodSync(made.home, 0o700);
    return made;
  });
}

/** @returns {Person | undefined} */
export function findMadeUser() {
  const entry = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${name}:`));
  if (entry === undefined) return undefined;
  const [, , uid, gid, , folder] = entry.split(':');
  const person = { name, uid: Number(uid), gid: Number(gid), home: folder ?? home };
  if (!(person.uid > 0)) throw new Problem(`the user ${name} is root: remove it, then run again`);
  return person;
}

/** Of that user alone, as a session's would be: sockets of a bus and of Sallyport lie in it. @param {Pick<Person, 'home'>} person */
function runtimeFolder({ home }) {
  return path.join(home, 'run');
}

/** What root's environment may pass on: nothing that is root's own, and no secret of a build machine. */
const passedOn =
  /^(LANG|LANGUAGE|LC_.*|TZ|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|CI|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|SALLYPORT_.*)$/;

/**
 * @param {Person} person
 * @param {string} node the Node 24 binary: what `node` means for that user
 * @param {NodeJS.ProcessEnv} [from]
 * @returns {NodeJS.ProcessEnv}
 */
export function environmentOf(person, node, from = process.env) {
  return {
    ...Object.fromEntries(Object.entries(from).filter(([key]) => passedOn.test(key))),
    PATH: `${path.dirname(node)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: person.home,
    USER: person.name,
    LOGNAME: person.name,
    SHELL: '/bin/sh',
    XDG_RUNTIME_DIR: runtimeFolder(person),
  };
}
