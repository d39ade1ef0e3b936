/** Where a name and its value are found, with the name written as is usual there. */
import type { Medium } from './media.ts';
import type { Pieces } from './pieces.ts';
import { around } from './pieces.ts';
import type { Random } from './random.ts';
import { capital, date, email, fullName, host, instant, logHead, person, product } from './surroundings.ts';

const wordsOf = (name: string): string[] => name.split(' ');
const snake = (name: string): string => wordsOf(name).join('_');
const screaming = (name: string): string => snake(name).toUpperCase();
const kebab = (name: string): string => wordsOf(name).join('-');
const pascal = (name: string): string => wordsOf(name).map(capital).join('');
const camel = (name: string): string => pascal(name).replace(/^./, (first) => first.toLowerCase());
const dotted = (name: string): string => wordsOf(name).join('.');

export interface NamedCarrier {
  readonly name: string;
  readonly medium: Medium;
  readonly place: (given: { readonly name: string; readonly value: Pieces }, random: Random) => Pieces;
}

type Styled = (name: string, value: Pieces, random: Random) => Pieces;
type Style = (name: string) => string;

/** Of each style one carrier. */
function carriers(medium: Medium, table: Readonly<Record<string, readonly [Style, Styled]>>): NamedCarrier[] {
  return Object.entries(table).map(([name, [style, place]]) => ({
    name,
    medium,
    place: (given, random) => place(style(given.name), given.value, random),
  }));
}

/** A name and its value, and nothing else: what is encoded as a whole. */
export function assignment(name: string, value: Pieces, random: Random): Pieces {
  return random.pick([
    () => around`${screaming(name)}=${value}`,
    () => around`${snake(name)}: ${value}`,
    () => around`{"${camel(name)}":"${value}"}`,
    () => around`${kebab(name)} = ${value}`,
  ])();
}

export const namedCarriers = [
  ...carriers('text', {
    environment: [
      screaming,
      (name, value, random) => around`NODE_ENV=production\n${name}=${value}\nPORT=${random.number(4)}`,
    ],
    export: [screaming, (name, value) => around`export ${name}="${value}"`],
    'prefixed environment': [
      screaming,
      (name, value, random) => around`${product(random).toUpperCase()}_${name}='${value}'`,
    ],
    YAML: [
      snake,
      (name, value, random) =>
        around`${product(random)}:\n  host: ${host(random)}\n  ${name}: ${value}\n  retries: ${random.int(9)}\n`,
    ],
    'YAML, quoted': [camel, (name, value, random) => around`${name}: '${value}'\nregion: eu-${random.between(1, 4)}`],
    ini: [snake, (name, value, random) => around`[${product(random)}]\n${name} = ${value}\nhost = ${host(random)}\n`],
    properties: [dotted, (name, value, random) => around`${product(random)}.${name}=${value}`],
    TOML: [snake, (name, value, random) => around`[${product(random)}]\n${name} = "${value}"\n`],
    Python: [snake, (name, value, random) => around`client = connect("${host(random)}", ${name}="${value}")`],
    'Python constant': [screaming, (name, value) => around`${name} = '${value}'`],
    TypeScript: [
      camel,
      (name, value, random) => around`const options = { ${name}: '${value}', retries: ${random.int(9)} };`,
    ],
    'Go field': [pascal, (name, value, random) => around`cfg := Config{Host: "${host(random)}", ${name}: "${value}"}`],
    option: [
      kebab,
      (name, value, random) => around`$ ${product(random)} --host ${host(random)} --${name} ${value} --verbose`,
    ],
    'option with an equals sign': [kebab, (name, value, random) => around`${product(random)} --${name}=${value} start`],
    'docker option': [
      screaming,
      (name, value, random) => around`docker run -d -e ${name}=${value} ${product(random)}:latest`,
    ],
    'log field': [
      snake,
      (name, value, random) =>
        around`${logHead(random)} user=${person(random)} ${name}=${value} took=${random.between(1, 900)}ms`,
    ],
    'log words': [(name) => name, (name, value, random) => around`${logHead(random)} using ${name}: ${value}`],
    mail: [
      (name) => capital(name),
      (name, value, random) =>
        around`Hi ${capital(person(random))},\nUser: ${email(random)}\n${name}: ${value}\nBest, ${fullName(random)}`,
    ],
    'Markdown row': [
      (name) => name,
      (name, value, random) => around`| host | ${host(random)} |\n| ${name} | ${value} |\n| since | ${date(random)} |`,
    ],
    'SQL condition': [
      snake,
      (name, value, random) => around`SELECT id FROM users WHERE login = '${person(random)}' AND ${name} = '${value}'`,
    ],
  }),
  ...carriers('json', {
    'JSON member': [
      snake,
      (name, value, random) => around`{"user":"${person(random)}","${name}":"${value}","created":"${instant(random)}"}`,
    ],
    'JSON, pretty': [
      camel,
      (name, value, random) =>
        around`{\n  "host": "${host(random)}",\n  "${name}": "${value}",\n  "port": ${random.number(4)}\n}`,
    ],
    'JSON, kebab': [kebab, (name, value, random) => around`[{"${name}": "${value}", "id": ${random.number(5)}}]`],
    'JSON row': [
      snake,
      (name, value, random) =>
        around`{"rows":[{"id":${random.number(4)},"login":"${email(random)}","${name}":"${value}"}]}`,
    ],
    'JSON in JSON': [
      camel,
      (name, value, random) =>
        around`{"level":30,"body":"{\\"user\\":\\"${person(random)}\\",\\"${name}\\":\\"${value}\\"}","ms":${random.int(900)}}`,
    ],
  }),
  ...carriers('markup', {
    'XML element': [
      camel,
      (name, value, random) => around`<config><host>${host(random)}</host><${name}>${value}</${name}></config>`,
    ],
    'web.config': [
      pascal,
      (name, value, random) =>
        around`<add key="Region" value="eu-${random.int(4)}" />\n<add key="${name}" value="${value}" />`,
    ],
    'HTML field': [
      snake,
      (name, value, random) =>
        around`<input type="hidden" name="${name}" value="${value}"><span>${person(random)}</span>`,
    ],
  }),
  ...carriers('url', {
    query: [
      snake,
      (name, value, random) => around`https://${host(random)}/api/v1?${name}=${value}&page=${random.between(1, 40)}`,
    ],
    form: [snake, (name, value, random) => around`username=${person(random)}&${name}=${value}&remember=on`],
  }),
  ...carriers('csv', {
    'CSV with a head': [
      snake,
      (name, value, random) =>
        around`id,login,${name},since\n${random.number(4)},${person(random)},"${value}",${date(random)}\n`,
    ],
  }),
];
