/** Where a value that needs no name is found. A phrase (a header, a connection string) fits only where a sentence fits. */
import type { Medium } from './media.ts';
import type { Pieces } from './pieces.ts';
import { around } from './pieces.ts';
import type { Random } from './random.ts';
import {
  capital,
  city,
  compactInstant,
  date,
  email,
  fullName,
  host,
  instant,
  ip,
  logHead,
  person,
  product,
  zone,
} from './surroundings.ts';

export interface Carrier {
  readonly name: string;
  readonly medium: Medium;
  readonly place: (value: Pieces, random: Random) => Pieces;
}

type Place = Carrier['place'];

function carriers(medium: Medium, table: Readonly<Record<string, Place>>): Carrier[] {
  return Object.entries(table).map(([name, place]) => ({ name, medium, place }));
}

/** For values and phrases alike. */
export const phraseCarriers = [
  ...carriers('text', {
    alone: (value) => value,
    'log line': (value, random) =>
      around`${logHead(random)} upstream ${host(random)} answered 401 for ${value} (attempt ${random.between(1, 5)})`,
    'log line, at its end': (value, random) => around`${logHead(random)} request from ${ip(random)} carried ${value}`,
    'log among others': (value, random) =>
      around`${logHead(random)} started\n${logHead(random)} read ${value}\n${logHead(random)} stopped after ${random.between(2, 900)} ms`,
    prose: (value, random) =>
      around`Hi ${capital(person(random))}, for ${product(random)} please take ${value} until ${date(random)}, then ask me again. ${fullName(random)}`,
    'German prose': (value, random) =>
      around`Hallo ${capital(person(random))},\nfür den Zugriff auf ${product(random)} in ${city(random)} gilt bis auf Weiteres:\n${value}\nViele Grüße, ${fullName(random)}`,
    chat: (value, random) =>
      around`[${instant(random)}] <${person(random)}> here you go: \`${value}\` (only for ${host(random)})`,
    'Markdown fence': (value, random) =>
      around`### ${capital(product(random))}\n\n\`\`\`\n${value}\n\`\`\`\n\nLast change: ${date(random)}\n`,
    'stack trace': (value, random) =>
      around`Error: 403 for ${value}\n    at call (/srv/${product(random)}/dist/client.js:${random.between(10, 900)}:${random.between(2, 60)})\n    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)`,
    'comment in code': (value, random) =>
      around`// ${person(random)}, ${date(random)}: was ${value} before the move\nconst retries = ${random.between(1, 9)};`,
    diff: (value, random) =>
      around`--- a/${product(random)}.conf\n+++ b/${product(random)}.conf\n@@ -${random.between(3, 90)} +${random.between(3, 90)} @@\n-# none\n+${value}\n`,
  }),
  ...carriers('json', {
    'JSON member': (value, random) =>
      around`{"id":${random.number(6)},"owner":"${email(random)}","note":"${value}","active":true}`,
    'JSON array': (value, random) =>
      around`[["${product(random)}","${value}",${random.between(1, 99)}],["${city(random)}",null,0]]`,
    'JSON, deep': (value, random) =>
      around`{\n  "rows": [\n    { "name": "${fullName(random)}", "details": { "at": "${instant(random)}", "body": "${value}" } }\n  ],\n  "total": ${random.between(1, 900)}\n}`,
    'JSON log': (value, random) =>
      around`{"level":50,"time":${random.number(13)},"pid":${random.number(4)},"msg":"refused: ${value}","svc":"${product(random)}"}`,
  }),
  ...carriers('markup', {
    'HTML cell': (value, random) =>
      around`<tr><td>${fullName(random)}</td><td class="mono">${value}</td><td>${date(random)}</td></tr>`,
    'HTML pre': (value, random) =>
      around`<h2>${capital(product(random))}</h2>\n<pre>${value}</pre>\n<p>See ${host(random)}.</p>`,
    'XML element': (value, random) =>
      around`<entry at="${instant(random)}"><owner>${person(random)}</owner><body>${value}</body></entry>`,
  }),
  ...carriers('csv', {
    'CSV cell': (value, random) =>
      around`${random.number(5)},${city(random)},"${value}",${date(random)}\n${random.number(5)},${city(random)},"",${date(random)}`,
  }),
];

/** For values alone: the places have other names than what they hold. */
export const valueCarriers = [
  ...phraseCarriers,
  ...carriers('text', {
    'bare CSV cell': (value, random) =>
      around`${random.number(5)};${product(random)};${value};${date(random)};${random.between(1, 900)}`,
    'environment line': (value, random) =>
      around`REGION=eu\n${product(random).toUpperCase()}_VALUE=${value}\nPORT=${random.number(4)}`,
    'YAML line': (value, random) =>
      around`${product(random)}:\n  region: eu\n  remote: ${value}\n  retries: ${random.between(1, 9)}\n`,
    'TOML line': (value, random) =>
      around`[${product(random)}]\nremote = "${value}"\nretries = ${random.between(1, 9)}\n`,
    'JavaScript call': (value, random) =>
      around`const client = new ${capital(product(random))}Client('${value}', { timeoutMs: ${random.number(4)} });`,
    'Python call': (value, random) => around`${product(random)} = connect("${value}", region="eu-${city(random)}")`,
    'SQL row': (value, random) =>
      around`INSERT INTO notes VALUES (${random.number(5)}, '${value}', '${date(random)}');`,
    'Markdown row': (value, random) =>
      around`| ${product(random)} | ${value} | ${person(random)} |\n| ${product(random)} | | ${person(random)} |`,
    'in brackets': (value, random) => around`The key of ${host(random)} (${value}) was made on ${date(random)}.`,
    'at a full stop': (value, random) =>
      around`On ${date(random)} ${fullName(random)} got ${value}. Nobody else has it.`,
    tabs: (value, random) => around`${compactInstant(random)}\t${host(random)}\t${value}\t${random.between(100, 599)}`,
    command: (value, random) => around`$ ${product(random)} login --host ${host(random)} --with ${value}`,
  }),
  ...carriers('url', {
    'query of a URL': (value, random) =>
      around`GET https://api.${zone(random)}/v1/${product(random)}?page=${random.between(1, 40)}&q=${value}&sort=asc 200`,
    'path of a URL': (value, random) => around`https://${host(random)}/hooks/${value}/events`,
    form: (value, random) => around`user=${person(random)}&value=${value}&submit=Save`,
  }),
];

/** For passages of several lines. */
export const fileCarriers = [
  ...carriers('text', {
    'file alone': (value) => value,
    'under its name': (value, random) => around`# ${product(random)}/${date(random)}.conf\n${value}`,
    'in a fence': (value, random) =>
      around`Hi ${capital(person(random))}, this is what ${host(random)} has:\n\n\`\`\`\n${value}\n\`\`\`\n`,
    'in a log': (value, random) => around`${logHead(random)} read:\n${value}\n${logHead(random)} done`,
  }),
  ...carriers('json', {
    'file in JSON': (value, random) => around`{"path":"/etc/${product(random)}.conf","content":"${value}","mode":420}`,
    'file in a JSON row': (value, random) => around`{"rows":[[${random.number(4)},"${person(random)}","${value}"]]}`,
  }),
  ...carriers('markup', {
    'file in HTML': (value, random) => around`<h3>${host(random)}</h3><pre><code>${value}</code></pre>`,
  }),
];
