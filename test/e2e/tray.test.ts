import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type DesktopApp } from '../screen/desktop-app.ts';
import { createPersonBrowser, type PersonBrowser } from '../screen/person-browser.ts';
import { photograph } from '../screen/pointer.ts';
import { startScreen, type Screen } from '../screen/screen.ts';

let screen: Screen;
let person: PersonBrowser;
let app: DesktopApp;
beforeAll(async () => {
  screen = await startScreen({ panel: true });
  person = createPersonBrowser({ screen, labFolder: () => app.labFolder() });
  app = await startApp({ screen, openerFolder: person.openerFolder });
});
afterAll(async () => {
  await app.end();
  await person.close();
  await screen.stop();
});

describe('first', () => {
  it('starts', async () => {
    app.window.on('console', (m) => console.log('CONSOLE', m.text()));
    app.window.on('pageerror', (m) => console.log('PAGEERROR', m.message));
    await app.window.reload();
    console.log(await app.ready);
    await new Promise((r) => setTimeout(r, 2000));
    await photograph(screen, '/tmp/tray1.png');
    await app.window.screenshot({ path: '/tmp/tray1w.png' });
    await app.window.getByRole('button', { name: 'Sign in', exact: true }).click();
    await person.signIn('alice');
    await app.window.getByText('Sign out').waitFor();
    await photograph(screen, '/tmp/tray2.png');
    await app.window.screenshot({ path: '/tmp/tray2w.png' });
    expect(1).toBe(1);
  });
});
