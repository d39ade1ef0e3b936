/** Entry of the lab's identity provider: a process of its own, HTTPS on loopback, no administration over HTTP. */
import {
  commandSchema,
  identityProviderHello,
  type Answer,
  type IdentityProviderHello,
  type Person,
} from './contract.ts';
import { serveLab } from './lines.ts';
import { createLogin, sendPage } from './login.ts';
import { errorPage, type LabPerson } from './login-pages.ts';
import { createNeedles } from './needles.ts';
import { createPeople, type People } from './people.ts';
import { createProvider } from './provider.ts';
import { listen } from './server.ts';

function about({ name, roles, region, totpSecret, disabled }: Person): LabPerson {
  if (disabled) return { name, about: 'disabled: sign-in is refused' };
  const second = totpSecret === undefined ? '' : ', one-time code';
  return { name, about: `${roles.join(', ')}, region ${region}${second}` };
}

function obey(people: People, line: unknown): Answer {
  const command = commandSchema.parse(line);
  if ('credentialSeconds' in command) return { refused: 'not for the identity provider' };
  const name = 'disable' in command ? command.disable : command.enable;
  return people.setDisabled(name, 'disable' in command) ? { done: true } : { refused: `no person named ${name}` };
}

async function start(hello: IdentityProviderHello) {
  const server = await listen(hello.identity);
  const people = await createPeople(hello.people);
  const provider = await createProvider({
    url: server.url,
    people,
    recordNeedle: createNeedles(hello.needles),
    renderError: (ctx, say) => {
      ctx.type = 'html';
      ctx.body = errorPage(say);
    },
  });
  const login = createLogin({ provider, people, listed: hello.people.map(about), peopleFile: hello.peopleFile });
  const protocol = provider.callback();
  server.serve(async (req, res) => {
    if (await login(req, res)) return;
    if (req.url === '/') sendPage(res, { status: 200, body: errorPage('Nothing to sign in to here.') });
    else await protocol(req, res);
  });
  return { ready: { url: server.url }, answer: (line: unknown) => obey(people, line) };
}

await serveLab(identityProviderHello, start);
