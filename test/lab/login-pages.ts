/** The provider's pages: plain HTML, no script, one style of its own, readable in the dark. */

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string) => text.replaceAll(/[&<>"']/g, (character) => escapes[character] ?? '');

/** Escapes what is put in; arrays are made of pieces that are safe already. */
function html(parts: TemplateStringsArray, ...values: readonly (string | SafeHtml)[]): SafeHtml {
  const put = (value: string | SafeHtml | undefined) =>
    typeof value === 'string' ? escapeHtml(value) : (value?.text ?? '');
  return { text: parts.map((part, index) => part + put(values[index])).join('') };
}

interface SafeHtml {
  readonly text: string;
}

const nothing = html``;

export const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #ffffff; --ground: #f3f4f6;
  --accent: #1f5f8b; --accent-ink: #ffffff; --wrong: #a40e26; --wrong-ground: #fff0f1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9da7b1; --line: #3d444d; --paper: #1c2128; --ground: #0f1318;
  --accent: #7cc0ea; --accent-ink: #0b1a24; --wrong: #ffb3ba; --wrong-ground: #3a181d; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 25rem; background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 2rem; }
.where { margin: 0 0 1.25rem; font-size: .875rem; color: var(--soft); display: flex; gap: .5rem; align-items: center; }
.where svg { flex: none; width: 1.25rem; height: 1.25rem; fill: none; stroke: currentColor; stroke-width: 2; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; }
.why { margin: 0 0 1.5rem; color: var(--soft); }
label { display: block; font-weight: 600; margin-bottom: .25rem; }
input { width: 100%; font: inherit; color: inherit; background: transparent; border: 1px solid var(--soft); border-radius: 6px;
  padding: .5rem .75rem; margin-bottom: 1rem; }
input:focus-visible, button:focus-visible, a:focus-visible, summary:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button { width: 100%; font: inherit; font-weight: 600; color: var(--accent-ink); background: var(--accent); border: 0; border-radius: 6px;
  padding: .625rem; cursor: pointer; margin-top: .25rem; }
.cancel { display: block; text-align: center; margin-top: 1rem; color: var(--accent); }
[role=alert] { background: var(--wrong-ground); color: var(--wrong); border-radius: 6px; padding: .625rem .75rem; margin: 0 0 1rem; }
.people { margin-top: 1.75rem; padding-top: 1.25rem; border-top: 1px solid var(--line); font-size: .875rem; color: var(--soft); }
.people h2 { font-size: .875rem; margin: 0 0 .5rem; color: var(--ink); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .125rem .75rem; margin: 0 0 .75rem; }
dt { font-weight: 600; color: var(--ink); } dd { margin: 0; }
code { overflow-wrap: anywhere; font-size: .8125rem; }
`;

const gate = html`<svg viewBox="0 0 24 24" aria-hidden="true">
  <path d="M3 21V9l9-6 9 6v12M8 21v-7a4 4 0 0 1 8 0v7M2 21h20" />
</svg>`;

function page(title: string, content: SafeHtml): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Sallyport lab</title>
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <main>
          <p class="where">${gate}Sallyport lab, on this machine only</p>
          ${content}
        </main>
      </body>
    </html>`.text;
}

export interface Asking {
  readonly uid: string;
  /** What was wrong with the last try. */
  readonly refused?: string;
}

const alert = (refused: string | undefined) => (refused === undefined ? nothing : html`<p role="alert">${refused}</p>`);
const cancel = (uid: string) => html`<a class="cancel" href="/interaction/${uid}/cancel">Cancel</a>`;

export interface LabPerson {
  readonly name: string;
  readonly about: string;
}

export function passwordPage({ uid, refused }: Asking, people: readonly LabPerson[], peopleFile: string): string {
  const list = {
    text: people
      .map(
        ({ name, about }) =>
          html`<dt>${name}</dt>
            <dd>${about}</dd>`.text,
      )
      .join(''),
  };
  return page(
    'Sign in',
    html`<h1>Sign in</h1>
      <p class="why">to continue to Sallyport</p>
      ${alert(refused)}
      <form method="post" action="/interaction/${uid}">
        <label for="username">Name</label>
        <input
          id="username"
          name="username"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          required
          autofocus
        />
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required />
        <button type="submit">Sign in</button>
      </form>
      ${cancel(uid)}
      <section class="people" aria-labelledby="people">
        <h2 id="people">The lab's people</h2>
        <dl>${list}</dl>
        Their passwords (and the secret of one-time codes), new at every start: <code>${peopleFile}</code>
      </section>`,
  );
}

export function codePage({ uid, refused }: Asking): string {
  return page(
    'One-time code',
    html`<h1>One more step</h1>
      <p class="why">Enter the six digits that your authenticator shows.</p>
      ${alert(refused)}
      <form method="post" action="/interaction/${uid}">
        <label for="code">One-time code</label>
        <input
          id="code"
          name="code"
          inputmode="numeric"
          autocomplete="one-time-code"
          pattern="[0-9 ]{6,7}"
          required
          autofocus
        />
        <button type="submit">Continue</button>
      </form>
      ${cancel(uid)}`,
  );
}

export function errorPage(say: string): string {
  return page(
    'Sign-in stopped',
    html`<h1>Sign-in stopped</h1>
      <p role="alert">${say}</p>
      <p class="why">Start again from Sallyport.</p>`,
  );
}
