/** Entry of the lab's identity provider: a process of its own, HTTPS on loopback, no administration over HTTP. */
import {
  commandSchema,
  eventsPath,
  identityProviderHello,
  type Answer,
  type IdentityProviderHello,
  type Person,
} from './contract.ts';
import { createGate, type Gate } from './gate.ts';
import { watchGrants } from './grants.ts';
import { serveLab } from './lines.ts';
import { createLogin, sendPage } from './login.ts';
import { errorPage, type LabPerson } from './login-pages.ts';
import { createNeedles } from './needles.ts';
import { createPeople, type People } from './people.ts';
import { createProvider } from './provider.ts';
import { createTransmitter, type Transmitter } from './security-events.ts';
import { listen } from './server.ts';
import { createSigningKey } from './signing-key.ts';

function about({ name, roles, region, totpSecret, disabled }: Person): LabPerson {
  if (disabled) return { name, about: 'disabled: sign-in is refused' };
  const second = totpSecret === undefined ? '' : ', one-time code';
  return { name, about: `${roles.join(', ')}, region ${region}${second}` };
}

interface Service {
  readonly people: People;
  readonly events: Transmitter;
  readonly gate: Gate;
  readonly endGrants: (subject: string) => Promise<void>;
}

async function obey({ people, events, gate, endGrants }: Service, line: unknown): Promise<Answer> {
  const command = commandSchema.parse(line);
  if ('credentialSeconds' in command || 'challenge' in command) return { refused: 'not for the identity provider' };
  if ('outage' in command) {
    gate.setOutage(command.outage);
    return { done: true };
  }
  if ('networks' in command) return gate.setNetworks(command.networks) ? { done: true } : { refused: 'not a network' };
  const [name = ''] = Object.values(command);
  const subject = people.subjectOf(name);
  if (subject === undefined) return { refused: `no person named ${name}` };
  if ('revoke' in command) {
    people.endTokens(subject);
    await endGrants(subject);
    await events.emit('session-revoked', subject);
    return { done: true };
  }
  const isDisabled = 'disable' in command;
  people.setDisabled(subject, isDisabled);
  if (isDisabled) await events.emit('account-disabled', subject);
  else events.withdraw(subject);
  return { done: true };
}

async function start(hello: IdentityProviderHello) {
  const server = await listen(hello.identity);
  const people = await createPeople(hello.people);
  const recordNeedle = createNeedles(hello.needles);
  const key = await createSigningKey(recordNeedle);
  const events = createTransmitter(server.url, key);
  const provider = createProvider({
    url: server.url,
    people,
    key,
    recordNeedle,
    renderError: (ctx, say) => {
      ctx.type = 'html';
      ctx.body = errorPage(say);
    },
  });
  const login = createLogin({ provider, people, listed: hello.people.map(about), peopleFile: hello.peopleFile });
  const protocol = provider.callback();
  const gate = createGate();
  const service = { people, events, gate, endGrants: watchGrants(provider) };
  server.serve(async (req, res) => {
    if (gate.refuses(req, res)) return;
    if (await login(req, res)) return;
    if (req.url === '/') sendPage(res, { status: 200, body: errorPage('Nothing to sign in to here.') });
    else if (req.url === eventsPath) await events.poll(req, res);
    else await protocol(req, res);
  });
  return { ready: { url: server.url }, answer: (line: unknown) => obey(service, line) };
}

await serveLab(identityProviderHello, start);
